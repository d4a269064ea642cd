"""What a caller may still ask: buckets that fill by the second, and quotas of a day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What may be counted: known before a request is answered, or only afterwards.
REQUESTS, ROWS, TOKENS = "requests", "rows", "tokens"
UNITS = (REQUESTS, ROWS, TOKENS)
_DAY = 86_400


class CallerBudget(Protocol):
    """One limit of one caller."""

    unit: str
    policy: bytes
    """As `RateLimit-Policy` writes it."""

    def wait(self, monotonic: float, wall: float) -> float:
        """Seconds until one more may be asked; 0 where it may now."""

    def spend(self, count: int, monotonic: float, wall: float) -> None:
        """Count; more than there was left is paid back before anything else is answered."""

    def left(self, monotonic: float, wall: float) -> bytes:
        """As `RateLimit` writes it: how many are left, and in how many seconds there are more."""


class RateBucket:
    """Holds `burst` units at most, and gets `count` more in `seconds`.

    What is known only afterwards, such as tokens, may be overdrawn by what was asked meanwhile.
    """

    def __init__(self, unit: str, count: float, seconds: float, burst: float) -> None:
        self.unit = unit
        self._pace = count / seconds
        self._burst = burst
        self._level = burst
        self._at = 0.0
        window = max(1, round(burst / self._pace))
        self.policy = b'"%s";q=%d;w=%d' % (unit.encode(), math.floor(burst), window)
        self._name = unit.encode()

    def wait(self, monotonic: float, wall: float) -> float:
        """As `CallerBudget.wait`."""
        del wall
        self._fill(monotonic)
        return 0.0 if self._level >= 1 else (1 - self._level) / self._pace

    def spend(self, count: int, monotonic: float, wall: float) -> None:
        """As `CallerBudget.spend`."""
        del wall
        self._fill(monotonic)
        self._level -= count

    def left(self, monotonic: float, wall: float) -> bytes:
        """As `CallerBudget.left`."""
        wait = self.wait(monotonic, wall)
        return b'"%s";r=%d;t=%d' % (self._name, max(0, math.floor(self._level)), math.ceil(wait))

    def _fill(self, monotonic: float) -> None:
        if monotonic > self._at:
            self._level = min(self._burst, self._level + (monotonic - self._at) * self._pace)
            self._at = monotonic


class DayQuota:
    """Gives `count` units each day, from midnight UTC on."""

    def __init__(self, unit: str, count: int) -> None:
        self.unit = unit
        self._count = count
        self._day = 0
        self._spent = 0
        name = f"{unit}-day".encode()
        self.policy = b'"%s";q=%d;w=%d' % (name, count, _DAY)
        self._name = name

    def wait(self, monotonic: float, wall: float) -> float:
        """As `CallerBudget.wait`."""
        del monotonic
        self._turn(wall)
        return 0.0 if self._spent < self._count else (self._day + 1) * _DAY - wall

    def spend(self, count: int, monotonic: float, wall: float) -> None:
        """As `CallerBudget.spend`."""
        del monotonic
        self._turn(wall)
        self._spent += count

    def left(self, monotonic: float, wall: float) -> bytes:
        """As `CallerBudget.left`."""
        del monotonic
        self._turn(wall)
        until = math.ceil((self._day + 1) * _DAY - wall)
        return b'"%s";r=%d;t=%d' % (self._name, max(0, self._count - self._spent), until)

    def _turn(self, wall: float) -> None:
        day = int(wall // _DAY)
        if day != self._day:
            self._day, self._spent = day, 0


def budget_of(limit: Mapping[str, Any], replicas: int) -> CallerBudget:
    """This server's share of a limit, as one of `replicas`. Raises KeyError, TypeError, ValueError.

    What may come at once is not shared: requests that come together may all meet one server.
    """
    unit, count = limit["unit"], int(limit["count"])
    if unit not in UNITS or count < 1:
        raise ValueError(f"a limit of {count} {unit} is none")
    if "seconds" not in limit:
        return DayQuota(unit, math.ceil(count / replicas))
    pace = count / replicas
    return RateBucket(unit, pace, float(limit["seconds"]), float(limit.get("burst") or max(1.0, pace)))
