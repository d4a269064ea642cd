"""What every split has: three shares, and a column of split names that no machine changes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog import Kind
from aimass_compiler.values import Number

if TYPE_CHECKING:
    import polars


class Split(Kind):
    """Which rows train, which validate and which test."""

    #: The names of the column types that can decide.
    accepts: ClassVar[frozenset[str]] = frozenset({"number", "category", "text", "id", "time"})

    def columns_read(self) -> tuple[str, ...]:
        """The columns that decide."""
        return ()

    @property
    def is_by_chance(self) -> bool:
        """Whether nothing but chance and shares decides about a row or a group of rows."""
        return False

    @property
    def keeps_together(self) -> bool:
        """Whether rows that are alike in the columns that decide are in one split."""
        return True

    @abstractmethod
    def assign(self, rows: polars.DataFrame, target: str) -> polars.Series:
        """One of SPLITS for each row, in the order of the rows.

        Null for a row that cannot be placed, which is a mistake in the data; another name for one that
        is meant to be in no split.
        """


class SharedSplit(Split):
    """A split by shares of the rows."""

    train: Number = Field(0.8, gt=0, lt=1)
    """The share of rows to learn from."""
    validation: Number = Field(0.1, gt=0, lt=1)
    """The share of rows that choose between trials."""
    test: Number = Field(0.1, gt=0, lt=1)
    """The share of rows that judge the released model."""

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:  # noqa: PLR2004  # the float noise of three shares
            raise PydanticCustomError(
                "shares", "train, validation and test must sum to 1, not {total}", {"total": f"{total:g}"}
            )
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Where validation begins and where it ends, as shares of the rows."""
        return self.train, self.train + self.validation
