"""What commands show on a terminal: colours, widths, errors, and how many rows have been read."""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import Literal, TextIO

Style = Literal["error", "warning", "note", "help", "frame", "strong", "removed", "added", "changed", "dim"]
Paint = Callable[[str, Style], str]

#: Source: ECMA-48, section 8.3.117 (select graphic rendition).
_CODES: dict[Style, str] = {
    "error": "1;31", "warning": "1;33", "note": "1;34", "help": "1;36", "frame": "34", "strong": "1",
    "removed": "31", "added": "32", "changed": "33", "dim": "2",
}  # fmt: skip
#: What takes less long needs no line.
_PATIENCE = 1.0
_BETWEEN = 0.2
_MANY = 50_000


def is_coloured(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream. Source: https://no-color.org and https://force-color.org"""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def width() -> int:
    """How many columns there are, within what reads well."""
    return min(120, max(40, shutil.get_terminal_size((100, 24)).columns))


def report(message: str) -> None:
    """Print on standard error what a command does beside what it was asked."""
    print(message, file=sys.stderr, flush=True)


def error(message: str, help: str = "") -> None:  # noqa: A002  # the word that findings use
    """Print on standard error that a command cannot do what it was asked."""
    print(f"error: {message}", file=sys.stderr)
    if help:
        print(f"help: {help}", file=sys.stderr)


def plain(text: str, style: Style) -> str:
    """The text as it is."""
    del style
    return text


def coloured(text: str, style: Style) -> str:
    """The text in the style's colour; nothing for nothing."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text else ""


def paint_on(stream: TextIO) -> Paint:
    """How text is painted on this stream."""
    return coloured if is_coloured(stream) else plain


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
