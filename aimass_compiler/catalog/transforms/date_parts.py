"""Take a time apart into numbers that a calendar and a clock show: month, weekday, hour and others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Bucket, CodeAsString, Expression
from aimass_compiler.expression.calendar import Calendar
from aimass_compiler.expression.column_types import CATEGORY, NUMBER, ColumnType
from aimass_compiler.expression.timezone import local

Part = Literal[
    "year", "quarter", "month", "week", "day", "day_of_year", "weekday", "weekend", "month_end", "hour",
    "minute", "second",
]  # fmt: skip
#: The largest number of a part, where it is one of a few.
_LARGEST: Mapping[str, int] = {
    "quarter": 4, "month": 12, "week": 53, "day": 31, "day_of_year": 366, "weekday": 7, "weekend": 1,
    "month_end": 1, "hour": 23, "minute": 59, "second": 59,
}  # fmt: skip


class DateParts(Transform):
    """Take a time apart into numbers that a calendar and a clock show: month, weekday, hour and others."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Time,)
    examples: ClassVar[tuple[Any, ...]] = (
        "since",
        {"column": "since", "parts": ["year", "quarter", "week", "day_of_year", "weekend", "month_end"]},
        {"column": "last_order", "parts": ["weekday", "hour", "minute", "second"], "give": "category"},
        {"column": "last_order", "timezone": "Europe/Berlin"},
    )
    short_form: ClassVar[str | None] = "column"

    column: str
    """The time; it stays, for other transforms. Without an offset it is one in UTC."""
    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = ("month", "day", "weekday", "hour")
    """What is taken, each as a column `<column>_<part>`. Weeks and weekdays are those of ISO 8601, where 1 is
    Monday; `weekend` and `month_end` are 1 or 0."""
    give: Literal["number", "category"] = "number"
    """Whether the parts are numbers, or categories for `one_hot`, `cross` and the like."""

    timezone: str = "UTC"
    """Whose clock and calendar are looked at: a name of the IANA database, such as `Europe/Berlin`."""

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, ZoneInfoNotFoundError):
            raise PydanticCustomError(
                "timezone", "there is no time zone `{name}`; write it like `Europe/Berlin`", {"name": name}
            ) from None
        return name

    @model_validator(mode="after")
    def _are_few(self) -> Self:
        if self.give == "category" and "year" in self.parts:
            raise PydanticCustomError(
                "date_parts_year",
                "years go on, so that `year` is no category; take it with `give: number`",
            )
        return self

    def _named(self) -> Mapping[str, Part]:
        return {f"{self.column}_{part}": part for part in self.parts}

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return dict.fromkeys(self._named(), NUMBER if self.give == "number" else CATEGORY)

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        seconds = table[self.column]
        calendar = Calendar(seconds if self.timezone == "UTC" else local(seconds, self.timezone))
        found = {name: (part, getattr(calendar, part)) for name, part in self._named().items()}
        if self.give == "number":
            return {name: number for name, (_, number) in found.items()}
        return {name: _as_category(number, _LARGEST[part]) for name, (part, number) in found.items()}


def _as_category(number: Expression, largest: int) -> Expression:
    """The digits of a whole number from 0 to `largest`."""
    return CodeAsString(Bucket(number, tuple(float(bound) for bound in range(1, largest + 1))))
