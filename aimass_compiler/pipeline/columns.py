"""The contract of the data: what each column is, and what serving accepts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from aimass_compiler.catalog.forecast import STEP
from aimass_compiler.catalog.quantities import Frozen, Integer, Number, is_absent
from aimass_compiler.catalog.task import Task
from aimass_compiler.expression import column_types
from aimass_compiler.expression.column_types import ColumnType

_Type = type[ColumnType]


class _Column(Frozen):
    """What every column has."""

    short_form: ClassVar[str | None] = "type"
    #: What such a column is while it flows through the transforms.
    holds: ClassVar[_Type]

    missing: Number = Field(0.0, ge=0, le=1)
    """The largest share of rows that may lack a value; 0 means that a value is required."""

    known: Literal["before", "after"] = "before"
    """Whether the value is known `before` a prediction is asked for, or only `after` the fact, as an outcome
    is; then it is never a feature and serving does not ask for it."""

    description: str = ""
    """What the column means, for the model card."""

    pii: Literal["hash", "omit"] | None = Field(None, exclude_if=is_absent)
    """Whether it holds personal data, and how records of predictions have it then: as a keyed `hash`, which
    is the same for the same value, or not at all (`omit`). An id is recorded only as a `hash`."""

    @property
    def is_nullable(self) -> bool:
        return self.missing > 0

    @property
    def column_type(self) -> ColumnType:
        """What it holds while it flows through the transforms."""
        return self.holds()

    @property
    def may_be_feature(self) -> bool:
        """Whether transforms may read it, should it not be the target."""
        return self.holds.is_for_transforms and self.known == "before"


class NumberColumn(_Column):
    """A number, whole or not."""

    holds: ClassVar[_Type] = column_types.Number

    type: Literal["number"]
    min: Number | None = None
    """The smallest value that is accepted."""
    max: Number | None = None
    """The largest value that is accepted."""
    unit: str = ""
    """What the number counts, for people."""


class CategoryColumn(_Column):
    """One of a few names."""

    holds: ClassVar[_Type] = column_types.Category

    type: Literal["category"]
    values: tuple[str, ...] | None = Field(None, min_length=1)
    """The names that are accepted; without them any name is, and unseen ones count as none."""


class TextColumn(_Column):
    """Free text."""

    holds: ClassVar[_Type] = column_types.Text

    type: Literal["text"]


class IdColumn(_Column):
    """A key that identifies a row; never a feature."""

    holds: ClassVar[_Type] = column_types.Id

    type: Literal["id"]


class TimeColumn(_Column):
    """A timestamp in ISO 8601, such as `2026-01-31T12:00:00Z`; it orders the rows, and transforms such as
    `date_parts` make features of it."""

    holds: ClassVar[_Type] = column_types.Time

    type: Literal["time"]


class ImageColumn(_Column):
    """An image: files of a source `image_folder`, or a list of numbers.

    Files are decoded, turned upright and resized to the shape, with values from 0 to 1. A list is flat: all
    rows of the first channel, then those of the next, as many finite numbers as the shape multiplies to, in
    whatever range the model is to see: 0 to 1 is best; they pass as they are. CSV holds no lists: the source
    is a parquet or jsonl file.
    """

    holds: ClassVar[_Type] = column_types.Image

    type: Literal["image"]
    shape: tuple[Integer, Integer, Integer]
    """Channels, height and width."""

    @property
    def column_type(self) -> ColumnType:
        return column_types.Image(self.shape)


class SeriesColumn(_Column):
    """Numbers in their order, such as what a sensor measured: a list of at most `length` finite numbers.

    Of several `channels`, a step is a list of one number each. CSV holds no lists: the source is a parquet or
    jsonl file, or a join makes the series of rows (`aggregate: {NAME: {function: series, columns: …}}`).
    """

    holds: ClassVar[_Type] = column_types.NumberSeries

    type: Literal["series"]
    length: Integer = Field(ge=1, le=65_536)
    """How many steps there are at most; shorter ones are read up to their end."""
    channels: Integer = Field(1, ge=1, le=4096)
    """How many numbers each step has."""

    @property
    def column_type(self) -> ColumnType:
        return column_types.NumberSeries((self.length, self.channels))


class ChatColumn(_Column):
    """A conversation: a list of turns `{role, content}` of system, user, assistant and tool.

    As the target, its last turn is the assistant's answer. CSV holds no lists: the source is a parquet or
    jsonl file.
    """

    holds: ClassVar[_Type] = column_types.Chat

    type: Literal["chat"]


class HistoryColumn(_Column):
    """The last values of a forecast's target; no spec declares it."""

    holds: ClassVar[_Type] = column_types.PastValues

    type: Literal["history"] = "history"
    length: Integer
    unit: str = ""

    @property
    def column_type(self) -> ColumnType:
        return column_types.PastValues((self.length,))


class FutureColumn(_Column):
    """A number that is known ahead, for each step of the horizon; no spec declares it, requests hold it."""

    holds: ClassVar[_Type] = column_types.ValuesAhead

    type: Literal["future"] = "future"
    length: Integer
    min: Number | None = None
    max: Number | None = None
    unit: str = ""

    @property
    def column_type(self) -> ColumnType:
        return column_types.ValuesAhead((self.length,))


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
    "series": SeriesColumn,
    "chat": ChatColumn,
}
Column = Annotated[
    Annotated[NumberColumn, Tag("number")]
    | Annotated[CategoryColumn, Tag("category")]
    | Annotated[TextColumn, Tag("text")]
    | Annotated[IdColumn, Tag("id")]
    | Annotated[TimeColumn, Tag("time")]
    | Annotated[ImageColumn, Tag("image")]
    | Annotated[SeriesColumn, Tag("series")]
    | Annotated[ChatColumn, Tag("chat")],
    Discriminator(_type_of),
]


def row_columns(columns: Mapping[str, Column], task: Task) -> Mapping[str, Column]:
    """The columns of the rows that are learned from: of a forecast, the target's past is one of them."""
    if task.forecast is None:
        return columns
    target = columns.get(task.target)
    described = {"unit": getattr(target, "unit", ""), "description": getattr(target, "description", "")}
    history: Any = HistoryColumn(length=task.forecast.length, **described)
    step = NumberColumn(type="number", min=1, max=task.forecast.horizon, description="how far ahead")
    return {**columns, task.target: history, STEP: step}


def request_columns(columns: Mapping[str, Column], task: Task) -> Mapping[str, Column]:
    """The columns of requests: of a forecast, numbers that are known ahead hold one for each step."""
    if task.forecast is None:
        return columns
    length = task.forecast.horizon
    future: Any = FutureColumn
    return {
        name: future(
            length=length, min=column.min, max=column.max, unit=column.unit, description=column.description
        )
        if isinstance(column, NumberColumn) and column.may_be_feature
        else column
        for name, column in row_columns(columns, task).items()
        if name != STEP
    }


def feature_types(columns: Mapping[str, Column], of_task: Collection[str]) -> dict[str, ColumnType]:
    """The columns that transforms start from: not the task's own, ids and what is known too late."""
    return {
        name: column.column_type
        for name, column in columns.items()
        if name not in of_task and column.may_be_feature
    }
