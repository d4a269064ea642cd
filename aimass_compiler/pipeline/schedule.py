"""Cron expressions as Kubernetes reads them: five fields of values, ranges and steps, or `@daily`.

Source: https://pkg.go.dev/github.com/robfig/cron/v3, whose `ParseStandard` the CronJob controller uses.
"""

from __future__ import annotations

import re
from calendar import monthrange
from itertools import pairwise

from msgspec import Struct

_ITEM = re.compile(r"(?P<any>[*?])|(?P<first>\w+)(-(?P<last>\w+))?", re.ASCII)
_A_LEAP_YEAR = 2024
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class _Field(Struct, frozen=True):
    """One field: what it is called, its ends, and the names that its values have from the first on."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


_DAY = _Field("day of the month", 1, 31)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("day of the week", 0, 6, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
_FIELDS = (_Field("minute", 0, 59), _Field("hour", 0, 23), _DAY, _MONTH, _WEEKDAY)


def mistake(expression: str) -> str:
    """What is wrong with a cron expression, as the end of a sentence; empty when nothing is."""
    parts = _fields(expression)
    if expression.startswith("@") and expression not in _WORDS:
        return f"`{expression}` is none of {', '.join(_WORDS)}"
    if len(parts) != len(_FIELDS):
        return f"it has {len(parts)} field{'' if len(parts) == 1 else 's'}, not {len(_FIELDS)}"
    try:
        _, _, days, months, _ = (_values(*each) for each in zip(_FIELDS, parts, strict=True))
    except ValueError as error:
        return str(error)
    longest = max(monthrange(_A_LEAP_YEAR, month)[1] for month in months)
    is_any_weekday = parts[-1] in ("*", "?")  # else either of the two days will do
    return "no such month has that day" if is_any_weekday and min(days) > longest else ""


def shortest_gap(expression: str) -> int:
    """The fewest minutes between two times of a cron expression without mistakes."""
    minutes, hours, *_ = (sorted(_values(*each)) for each in zip(_FIELDS, _fields(expression), strict=True))
    times = [60 * hour + minute for hour in hours for minute in minutes]
    next_day = times[0] + 24 * 60
    return min(later - earlier for earlier, later in pairwise([*times, next_day]))


def _fields(expression: str) -> list[str]:
    """The fields of an expression, and those that a word such as `@daily` is short for."""
    return _WORDS.get(expression.strip(), expression).split()


def _values(field: _Field, part: str) -> set[int]:
    """The values that a list stands for. Raises ValueError with what is wrong."""
    return {value for item in part.split(",") for value in _of_item(field, item)}


def _of_item(field: _Field, item: str) -> range:
    span, slash, step = item.partition("/")
    written = _ITEM.fullmatch(span)
    if written is None or (slash and not re.fullmatch(r"[0-9]{1,2}", step)):
        raise ValueError(f"`{item}` is no {field.name}" if item else f"a {field.name} is missing")
    first, last = field.least, field.most
    if written["first"]:
        first = _value(field, written["first"])
        # `5/15` goes on to the end, `5` alone does not.
        last = _value(field, written["last"]) if written["last"] else field.most if slash else first
    if first > last:
        raise ValueError(f"the {field.name} `{span}` ends before it begins")
    if slash and not 0 < int(step) <= field.most:
        raise ValueError(f"the {field.name} cannot go on by `{step}`")
    return range(first, last + 1, int(step) if slash else 1)


def _value(field: _Field, word: str) -> int:
    named = {name: field.least + place for place, name in enumerate(field.names)}
    number = int(word) if re.fullmatch(r"[0-9]{1,2}", word) else named.get(word.upper(), -1)
    if not field.least <= number <= field.most:
        names = f", or {field.names[0]} to {field.names[-1]}" if named else ""
        raise ValueError(f"the {field.name} is {field.least} to {field.most}{names}, not `{word}`")
    return number
