"""The contract of the data: what each column is, and what serving accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from aimass_compiler.expression.types import CATEGORY, ID, NUMBER, TEXT, TIME, ColumnType, image
from aimass_compiler.values import Frozen, Integer, Number


class _Column(Frozen):
    """What every column has."""

    short_form: ClassVar[str | None] = "type"

    missing: Number = Field(0.0, ge=0, le=1)
    """The largest share of rows that may lack a value; 0 means that a value is required."""

    known: Literal["before", "after"] = "before"
    """Whether the value is known `before` a prediction is asked for, or only `after` the fact, as an outcome
    is; then it is never a feature and serving does not ask for it."""

    description: str = ""
    """What the column means, for the model card."""

    @property
    def is_nullable(self) -> bool:
        return self.missing > 0


class NumberColumn(_Column):
    """A number, whole or not."""

    type: Literal["number"]
    min: Number | None = None
    """The smallest value that is accepted."""
    max: Number | None = None
    """The largest value that is accepted."""
    unit: str = ""
    """What the number counts, for people."""

    @property
    def column_type(self) -> ColumnType:
        return NUMBER


class CategoryColumn(_Column):
    """One of a few names."""

    type: Literal["category"]
    values: tuple[str, ...] | None = Field(None, min_length=1)
    """The names that are accepted; without them any name is, and unseen ones count as none."""

    @property
    def column_type(self) -> ColumnType:
        return CATEGORY


class TextColumn(_Column):
    """Free text."""

    type: Literal["text"]

    @property
    def column_type(self) -> ColumnType:
        return TEXT


class IdColumn(_Column):
    """A key that identifies a row; never a feature."""

    type: Literal["id"]

    @property
    def column_type(self) -> ColumnType:
        return ID


class TimeColumn(_Column):
    """A moment in ISO 8601, such as `2026-01-31T12:00:00Z`; it orders the rows and is never a feature."""

    type: Literal["time"]

    @property
    def column_type(self) -> ColumnType:
        return TIME


class ImageColumn(_Column):
    """An image as a list of numbers: all rows of the first channel, then those of the next.

    The list is flat and has as many finite numbers as the shape multiplies to, in whatever range the model is
    to see: 0 to 1 is best; they pass as they are. CSV holds no lists: the source is a parquet or jsonl file.
    Image files and their paths are not read.
    """

    type: Literal["image"]
    shape: tuple[Integer, Integer, Integer]
    """Channels, height and width."""

    @property
    def column_type(self) -> ColumnType:
        return image(self.shape)


#: What orders, joins and splits rows but tells a model nothing.
NEVER_FEATURES = frozenset({"id", "time"})


def _type_of(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return value.get("type") if isinstance(value, dict) else getattr(value, "type", None)


#: What a spec calls each type.
COLUMN_TYPES: Mapping[str, type[_Column]] = {
    "number": NumberColumn,
    "category": CategoryColumn,
    "text": TextColumn,
    "id": IdColumn,
    "time": TimeColumn,
    "image": ImageColumn,
}
Column = Annotated[
    Annotated[NumberColumn, Tag("number")]
    | Annotated[CategoryColumn, Tag("category")]
    | Annotated[TextColumn, Tag("text")]
    | Annotated[IdColumn, Tag("id")]
    | Annotated[TimeColumn, Tag("time")]
    | Annotated[ImageColumn, Tag("image")],
    Discriminator(_type_of),
]


def feature_types(columns: Mapping[str, Column], target: str) -> dict[str, ColumnType]:
    """The columns that transforms start from: not the target, ids, times and what is known too late."""
    return {
        name: column.column_type
        for name, column in columns.items()
        if name != target and column.type not in NEVER_FEATURES and column.known == "before"
    }
