"""What every split has: three shares, and a column of split names that no machine changes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog import Kind
from aimass_compiler.catalog.quantities import Number
from aimass_compiler.expression import column_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars

    from aimass_compiler.engines import Table


class Split(Kind):
    """Which rows train, which validate and which test."""

    #: The types of column that can decide.
    accepts: ClassVar[column_types.Accepted] = (
        column_types.Number,
        column_types.Category,
        column_types.Text,
        column_types.Id,
        column_types.Time,
    )
    #: Whether rows can be held out in turn as it splits them.
    has_folds: ClassVar[bool] = False

    @classmethod
    def takes(cls, kind: column_types.ColumnType) -> bool:
        """Whether a column of this type can decide."""
        return isinstance(kind, cls.accepts)

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

    def folds(self, rows: Table, count: int) -> Iterator[polars.Series]:
        """Columns of split names, of which each holds out other rows (`test`); see `catalog/folds`.

        Raises TooFewRowsError.
        """
        raise NotImplementedError(f"{self.kind} has no folds, as {rows.height} rows in {count} would be")

    def of_rows(self, rows: polars.DataFrame) -> polars.Series | None:
        """What `assign` answers, of some rows alone; None where a row's split depends on other rows."""
        del rows
        return None

    @abstractmethod
    def assign(self, rows: Table) -> polars.Series:
        """One of SPLITS for each row, in the order of the rows, of the type `split_shares.names_type()`.

        Null for a row that cannot be placed, which is a mistake in the data; "" for one that is meant to
        be in no split.
        """


class SharedSplit(Split):
    """A split by shares of the rows."""

    has_folds: ClassVar[bool] = True

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
    def validating(self) -> float:
        """The share of the rows to learn from that validate, where rows are held out in turn."""
        return float(self.validation / (self.train + self.validation))

    @property
    def bounds(self) -> tuple[float, float]:
        """Where validation begins and where it ends, as shares of the rows."""
        return self.train, self.train + self.validation
