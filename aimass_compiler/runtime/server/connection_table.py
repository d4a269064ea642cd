"""The table of all connections: how many there are, and what they may hold together.

One caller must not keep the others out, so whoever has been silent for longest goes first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from aimass_compiler.runtime.server.connection import Phase

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]  # as said

if TYPE_CHECKING:
    from aimass_compiler.runtime.server.connection import HttpConnection

#: Why connections are ended by the server; the labels of a counter, exported before any is.
REASONS = (
    "framing", "large_head", "slow_head", "slow_body", "unwanted_body", "unread_answer", "memory", "silent",
    "limit",
)  # fmt: skip
#: Longer than load balancers keep idle connections (60 s, mostly), so that none sends into a closed one.
_IDLE_SECONDS = 75.0
#: Descriptors for everything but connections.
_RESERVED = 64
#: What is kept for callers together: answers that they do not take, and requests that are not whole.
_KEPT_BYTES = 64 << 20
#: The share of silent connections that make room at once, so that they are not looked through for each.
_SHARE = 16
_LOOK_SECONDS = 0.25


class ConnectionTable:
    """A table of the connections that uvicorn has; `refused` counts those that were ended, by reason."""

    def __init__(self, limit: int, patience_seconds: float) -> None:
        """Take at most `limit` connections, or fewer where the process may not have as many descriptors."""
        self.limit = min(limit, _descriptors() - _RESERVED)
        self.refused: Counter[str] = Counter()
        self.all: set[HttpConnection] = set()
        self._sent_away: set[HttpConnection] = set()
        self._patience_seconds = patience_seconds
        self._looked = 0.0

    def watch(self, connections: set[HttpConnection]) -> None:
        """Watch the connections of this set."""
        self.all = connections

    def count(self) -> int:
        """How many connections there are."""
        return len(self.all)

    def makes_room(self, newest: HttpConnection) -> bool:
        """Whether one more connection can stay; the longest silent ones go for it."""
        if self.count() <= self.limit:
            return True
        # Those that were sent away are in the table until the event loop has closed them.
        self._sent_away &= self.all
        if self.count() - len(self._sent_away) <= self.limit:
            return True
        silent = [
            connection for connection in self.all - self._sent_away if connection.phase is not Phase.ANSWER
        ]
        silent.sort(key=lambda connection: connection.since)
        for connection in silent[: max(1, self.limit // _SHARE)]:
            if connection is not newest:
                connection.give_way()
                self._sent_away.add(connection)
        return bool(self._sent_away)

    def look(self, now: float) -> None:
        """End what takes too long, or together too much memory; to be called often."""
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        kept = 0
        for connection in list(self.all):
            connection.look(now, self._patience_seconds, _IDLE_SECONDS)
            kept += connection.burden
        if kept > _KEPT_BYTES:
            self._relieve(kept)

    def _relieve(self, kept: int) -> None:
        """Send away those that have not moved for longest, until the others fit."""
        for connection in sorted(self.all, key=lambda connection: connection.moved):
            if kept <= _KEPT_BYTES:
                return
            if burden := connection.burden:
                kept -= burden
                connection.abort("memory")

    def dismiss_silent(self, now: float, seconds: float) -> None:
        """Close the connections on which nothing has come or gone for so long.

        Who has only just connected is about to ask, and given twice the time.
        """
        for connection in list(self.all):
            patience = seconds if connection.cycle is not None else 2 * seconds
            if connection.is_silent and now - connection.since >= patience:
                connection.dismiss()


def _descriptors() -> int:
    if resource is None:
        return 512 + _RESERVED
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else max(soft, _RESERVED + 8)
