"""Who is let in: what can be answered in time, by how quickly bodies were worked off so far.

A number of requests says nothing about how long they take: 200 of one row are done in a fiftieth of a
second, three of a megabyte each take longer than a caller waits.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from aimass_compiler.runtime.server.answer import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

#: What of the past counts, each time that a body is done: some ten of them make the estimate.
_MEMORY = 0.9
#: An answer that comes too late has cost as much as one in time.
_CAUTION = 1.1
#: How long the pace of the beginning counts to have been kept.
_FIRST_SECONDS = 0.2


class Admission:
    """Knows how many bytes wait or are worked on, and how many are done in a second."""

    def __init__(self, pace: float, now: Callable[[], float] = time.monotonic) -> None:
        """Begin with `pace`, in bytes a second."""
        self._now = now
        self._bytes, self._seconds = pace * _FIRST_SECONDS, _FIRST_SECONDS
        self._ahead = 0
        self._since = 0.0

    @property
    def pace(self) -> float:
        """Bytes of bodies that are done in a second; a moving mean over busy seconds."""
        return max(self._bytes / self._seconds, 1.0)

    def check(self, size: int, until: float) -> None:
        """Raise RequestError (503) where a body of `size` bytes is not done by then, in monotonic seconds.

        When nothing is ahead it is tried, however slow others have been.
        """
        wait = self._ahead / self.pace
        if self._ahead and self._now() + _CAUTION * (wait + size / self.pace) > until:
            message = f"the requests ahead take {wait:.1f} s; try again"
            raise RequestError(503, message, retry_after_seconds=max(1, math.ceil(wait)))

    def begin(self, size: int) -> None:
        """Count a body among those that are worked on."""
        if not self._ahead:
            self._since = self._now()
        self._ahead += size

    def end(self, size: int, *, is_done: bool) -> None:
        """Count a body out again; one that was given up has taken time, and is no progress."""
        now = self._now()
        self._bytes = self._bytes * _MEMORY + (size if is_done else 0)
        self._seconds = self._seconds * _MEMORY + now - self._since
        self._since = now
        self._ahead -= size
