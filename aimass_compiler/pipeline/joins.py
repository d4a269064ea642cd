"""How several sources become one table: by keys, by keys and time, and by aggregating a child table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, LiteralString, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Duration, Flag, Frozen, Names, is_absent

#: What is computed of numbers, and so gives one.
OF_NUMBERS = ("sum", "mean", "min", "max")
#: What reads numbers.
READS_NUMBERS = (*OF_NUMBERS, "series")
#: What gives a value as it is, of any type.
LATEST = ("last", "last_known")
#: What gives a number whatever it is computed of.
COUNTS = ("count", "count_distinct")


class JoinTimes(Frozen):
    """When the rows of both sides were; of the right side none is read that is later."""

    left: str
    """The column of the rows so far that says when each was, such as when the label was decided on."""
    right: str
    """The column of the source that is joined that says when each of its rows was known."""


def _both_sides(value: Any) -> Any:
    return {"left": value, "right": value} if isinstance(value, str) else value


class Aggregation(Frozen):
    """A column computed of the rows of a child table: `{function: sum, column: amount, window: 7d}`."""

    function: Literal["count", "sum", "mean", "min", "max", "last", "last_known", "count_distinct", "series"]
    """What is computed. Missing values are left out, except by `last`, which takes the last row's. Of no
    row, `count`, `sum` and `count_distinct` are 0, and the others are missing. `series` are the last values
    in their order, as many as the column that is made has steps."""
    column: str | None = Field(None, exclude_if=is_absent)
    """The column of the child table; `count` can do without, and counts rows then."""
    columns: Names | None = Field(None, exclude_if=is_absent)
    """Of `series`, the column of the child table, or one for each channel."""
    window: Duration | None = Field(None, exclude_if=is_absent)
    """How far back from the row's time, such as `7d`; by default all that is earlier."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        named = {"function": self.function}
        if self.function == "series" and (self.columns is None or self.column is not None):
            message: LiteralString = "`series` needs `columns`, the columns of the child table: one a channel"
            raise PydanticCustomError("no_columns", message)
        if self.function != "series" and self.columns is not None:
            message = "`columns` are of `series`; `{function}` is of one `column`"
            raise PydanticCustomError("no_series", message, named)
        if not self.read and self.function != "count":
            message = "`{function}` needs `column`, the column of the child table that it is of"
            raise PydanticCustomError("no_column", message, named)
        return self

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the child table that it is of."""
        return self.columns or (() if self.column is None else (self.column,))


def _in_short(value: Any) -> Any:
    return {"function": value} if isinstance(value, str) else value


_AggregationInShort = Annotated[
    Aggregation, BeforeValidator(_in_short, json_schema_input_type=str | Aggregation)
]


class Join(Frozen):
    """Rows of one source beside those of another that have the same key."""

    left: str
    """The source (or the result of the joins so far) whose rows are kept."""
    right: str
    """The source whose columns are added."""
    on: Names
    """The key columns, present on both sides."""
    how: Literal["left", "inner", "full", "asof"] = "left"
    """What happens to rows without a partner. `asof` keeps them, and adds of the partners the latest one that
    is not later than the row, by `time`."""
    time: Annotated[
        JoinTimes | None, BeforeValidator(_both_sides, json_schema_input_type=str | JoinTimes | None)
    ] = Field(None, exclude_if=is_absent)
    """When the rows of both sides were: one column, or `{left: …, right: …}` where they have different names.
    With `asof` and `aggregate`, no row is read that is later than the one that it is joined to."""
    tolerance: Duration | None = Field(None, exclude_if=is_absent)
    """How old the partner of `asof` may be, such as `90d`; by default as old as it is."""
    delay: Duration | None = Field(None, exclude_if=is_absent)
    """How long after its time a row of the right side was known, such as `1d` for one that is loaded at
    night. A row sees what was known at its time; `tolerance` and windows count back from there."""
    allow_exact_matches: Flag = Field(default=True, exclude_if=bool)
    """Whether a row of the right side of exactly the same time is read, too."""
    order_by: str | None = Field(None, exclude_if=is_absent)
    """The column of the right side, of numbers or of times, that puts rows of one key in their order, such as
    the number of a step; with `time`, those of one time. By default they are in the order of the source."""
    aggregate: Annotated[Mapping[str, _AggregationInShort], Field(min_length=1)] | None = Field(
        None, exclude_if=is_absent
    )
    """Instead of the columns of the right side, these, each computed of the rows with the same key."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for is_wrong, message in self._rules():
            if is_wrong:
                raise PydanticCustomError("join_keys", message)
        return self

    def _rules(self) -> Iterator[tuple[bool, LiteralString]]:
        """What must not be, each with what is said of it."""
        has_time, aggregates = self.time is not None, self.aggregate is not None
        windows = [aggregation.window for aggregation in (self.aggregate or {}).values()]
        is_timed = self.delay is not None or not self.allow_exact_matches
        yield (
            self.how == "asof" and not has_time,
            "`how: asof` needs `time`, the column that says when the rows of both sides were",
        )
        yield self.how == "asof" and aggregates, "`aggregate` takes all earlier rows, so `how` is left out"
        yield (
            aggregates and self.how != "left",
            "`aggregate` keeps all rows of the left, so `how` is left out",
        )
        yield (
            self.tolerance is not None and self.how != "asof",
            "`tolerance` is of `how: asof`; an aggregation has a `window`",
        )
        yield has_time and not self.is_by_row, "`time` is of `how: asof` or of `aggregate`"
        yield (
            self.order_by is not None and not self.is_by_row,
            "`order_by` is of `how: asof` or of `aggregate`, which read the rows of a key in their order",
        )
        yield (
            is_timed and not has_time,
            "`delay` and `allow_exact_matches` need `time`, the column that says when rows were",
        )
        yield (
            any(windows) and not has_time,
            "`window` needs `time`, the column that says when the rows of both sides were",
        )

    @property
    def is_by_row(self) -> bool:
        """Whether the table keeps its rows, one for one, whatever the right side has."""
        return self.how == "asof" or self.aggregate is not None

    def columns_of_left(self) -> tuple[str, ...]:
        """The columns of the left side that the join itself reads."""
        return (*self.on, self.time.left) if self.time else self.on

    def columns_read(self, declared: Mapping[str, str] | None = None) -> Mapping[str, str]:
        """The columns of the right side that the join itself reads, with their types: keys, and the time and
        what is aggregated where there is any. A `last` value is of the type that is `declared` for it, and
        others are of their own, where that is known."""
        types, read = declared or {}, dict[str, str]()
        for name, aggregation in (self.aggregate or {}).items():
            if aggregation.function in READS_NUMBERS:
                read |= dict.fromkeys(aggregation.read, "number")
                continue
            for column in aggregation.read:
                type_ = types.get(column, "category")
                read.setdefault(column, types.get(name, type_) if aggregation.function in LATEST else type_)
        if self.order_by is not None:
            read.setdefault(self.order_by, types.get(self.order_by, "category"))
        if self.time is not None:
            read[self.time.right] = "time"
        return read | {key: types.get(key, "id") for key in self.on}
