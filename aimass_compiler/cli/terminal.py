"""What the terminal can show: colours and width."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO


def is_coloured(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream. Source: https://no-color.org and https://force-color.org"""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def width() -> int:
    """How many columns there are, within what reads well."""
    return min(120, max(40, shutil.get_terminal_size((100, 24)).columns))


def tell(message: str) -> None:
    """Tell on standard error what a command does beside what it was asked."""
    print(message, file=sys.stderr, flush=True)


def complain(message: str, help: str = "") -> None:  # noqa: A002  # the word that findings use
    """Tell on standard error that a command cannot do what it was asked."""
    print(f"error: {message}", file=sys.stderr)
    if help:
        print(f"help: {help}", file=sys.stderr)
