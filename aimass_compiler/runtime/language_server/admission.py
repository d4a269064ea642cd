"""Who is taken in: as many as there is room for, and as can be answered in time."""

from __future__ import annotations

import math

from aimass_compiler.runtime.server.response import RequestError

#: The share of the newest answer in the mean of how long one takes.
_NEWEST = 0.1


class AnswerAdmission:
    """Knows how long answers take, and so how long one would wait for its turn."""

    def __init__(self, limit: int, places: int, timeout_seconds: float) -> None:
        """Take in `limit` requests, of which `places` are answered at once."""
        self._limit = limit
        self._places = places
        self._timeout_seconds = timeout_seconds
        self._seconds = 0.0

    def check(self, in_flight: int, waiting: int) -> None:
        """Raise RequestError (429) where one more request is too many, or would not be answered in time."""
        wait = (waiting + 1) / self._places * self._seconds if waiting else 0.0
        retry = max(1, math.ceil(wait))
        if in_flight > self._limit:
            message = f"{self._limit} requests are here, which is all that there is room for; try again"
            raise RequestError(429, message, retry_after_seconds=retry)
        if wait > self._timeout_seconds:
            message = f"{waiting} requests wait, the last of them {wait:.0f} s; try again"
            raise RequestError(429, message, retry_after_seconds=retry)

    def ended(self, seconds: float) -> None:
        """Know how long one answer took to be written."""
        self._seconds += (_NEWEST if self._seconds else 1.0) * (seconds - self._seconds)
