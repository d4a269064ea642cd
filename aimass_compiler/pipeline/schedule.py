"""Cron expressions as Kubernetes reads them: five fields of values, ranges and steps, or `@daily`.

Source: https://pkg.go.dev/github.com/robfig/cron/v3, whose `ParseStandard` the CronJob controller uses.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import islice, pairwise

_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
#: A field's name as cronsim gives it → ours, and what its values are.
_FIELDS = {
    "minute": ("minute", "0 to 59"),
    "hour": ("hour", "0 to 23"),
    "day-of-month": ("day of the month", "1 to 31, in a month that has it"),
    "month": ("month", "1 to 12, or JAN to DEC"),
    "day-of-week": ("day of the week", "0 to 6, or SUN to SAT"),
}
#: What Kubernetes takes of what cronsim does: no `L`, `#` or `LW`, and no Sunday called 7.
_ITEM = r"(\*|[0-9]{1,2}(-[0-9]{1,2})?|[A-Z]{3}(-[A-Z]{3})?)(/[0-9]{1,2})?"
_PART = re.compile(rf"{_ITEM}(,{_ITEM})*")
_SUNDAY_AS_7 = re.compile(r"(?<!/)\b0?7\b")
_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
#: Enough times to see every hour of a day, or more than a day.
_ENOUGH = 200


def mistake(expression: str) -> str:
    """What is wrong with a cron expression, as the end of a sentence; empty when nothing is."""
    from cronsim import CronSim, CronSimError

    if expression.startswith("@") and expression not in _WORDS:
        return f"`{expression}` is none of {', '.join(_WORDS)}"
    parts = _plain(expression).split()
    if len(parts) != len(_FIELDS):
        return f"it has {len(parts)} field{'' if len(parts) == 1 else 's'}, not {len(_FIELDS)}"
    for field, part in zip(_FIELDS, parts, strict=True):
        is_sunday_7 = field == "day-of-week" and _SUNDAY_AS_7.search(part)
        if is_sunday_7 or not _PART.fullmatch(part.upper()):
            return _not_among(field, part)
    try:
        CronSim(" ".join(parts), _MONDAY)
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        return _not_among(field, parts[list(_FIELDS).index(field)])
    return ""


def shortest_gap(expression: str) -> int:
    """The fewest minutes between two times of a cron expression without mistakes."""
    from cronsim import CronSim

    times = islice(CronSim(_plain(expression), _MONDAY), _ENOUGH)
    return min(int((later - earlier).total_seconds()) for earlier, later in pairwise(times)) // 60


def last_time(expression: str, now: datetime) -> datetime:
    """The last time of a cron expression without mistakes that is not behind now."""
    from cronsim import CronSim

    found: datetime = next(CronSim(_plain(expression), now, reverse=True))
    return found


def longest_gap(expression: str) -> int:
    """The most minutes between two times of a cron expression without mistakes."""
    from cronsim import CronSim

    times = islice(CronSim(_plain(expression), _MONDAY), _ENOUGH)
    return max(int((later - earlier).total_seconds()) for earlier, later in pairwise(times)) // 60


def _not_among(field: str, part: str) -> str:
    name, values = _FIELDS[field]
    span = " (a range goes up, a step is at least 1)" if set("-/") & set(part) else ""
    return f"the {name} is {values}{span}, not `{part}`"


def _plain(expression: str) -> str:
    """The five fields that a word such as `@daily` is short for; `?` means any, too."""
    return _WORDS.get(expression.strip(), expression).replace("?", "*")
