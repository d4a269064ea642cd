"""The clock of a place in the algebra: how far it is ahead of UTC at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from aimass_compiler.expression.algebra import Arithmetic, AtCode, Bucket, Expression

_START = datetime(1970, 1, 1, tzinfo=UTC)
#: Rules of the far future are guesses: from then on the clock is as it is at the end.
_FIRST_DAY, _LAST_DAY = -25_567, 47_482  # 1900-01-01 and 2100-01-01
_DAY = 86_400


def local(seconds: Expression, name: str) -> Expression:
    """Seconds since 1970 that the clock of a place shows, of seconds in UTC.

    The rules are those of the machine that trains; the graph holds them, so that every server has them.
    Raises zoneinfo.ZoneInfoNotFoundError for a name that is none.
    """
    bounds, offsets = _changes(name)
    ahead = AtCode(Bucket(seconds, bounds), offsets)
    return Arithmetic("add", seconds, ahead)


@cache
def _changes(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """When the clock was or will be put forward or back, and its offsets before, between and after."""
    zone = ZoneInfo(name)
    days = range(_FIRST_DAY, _LAST_DAY)
    offsets = [_offset(zone, day * _DAY) for day in days]
    found = [
        _first_after(zone, day * _DAY, earlier)
        for day, earlier, later in zip(days, offsets, offsets[1:], strict=False)
        if earlier != later
    ]
    bounds = tuple(float(second) for second in found)
    return bounds, (float(offsets[0]), *(float(_offset(zone, second)) for second in found))


def _offset(zone: ZoneInfo, second: int) -> int:
    ahead = (_START + timedelta(seconds=second)).astimezone(zone).utcoffset()
    return 0 if ahead is None else int(ahead.total_seconds())


def _first_after(zone: ZoneInfo, start: int, earlier: int) -> int:
    """The first second of the day after `start` with another offset."""
    low, high = start, start + _DAY
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == earlier else (low, middle)
    return high
