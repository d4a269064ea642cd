"""How far a file has been read: on a line of the terminal that is gone in the end, or said once elsewhere."""

from __future__ import annotations

import math
import sys
import time

#: What takes less long needs no line.
_PATIENCE = 1.0
_BETWEEN = 0.2
_MANY = 50_000


class RowCount:
    """Called with how many rows have been read so far."""

    def __init__(self, shown_as: str, patience: float = _PATIENCE) -> None:
        self._shown_as = shown_as
        self._next = time.monotonic() + patience
        self._is_shown = False

    def __call__(self, rows: int) -> None:
        if rows < _MANY or time.monotonic() < self._next:
            return
        if not sys.stderr.isatty():
            self._next = math.inf
            print(f"reading {self._shown_as} …", file=sys.stderr, flush=True)
            return
        self._next = time.monotonic() + _BETWEEN
        self._is_shown = True
        print(f"\rreading {self._shown_as}: {rows:,} rows", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
