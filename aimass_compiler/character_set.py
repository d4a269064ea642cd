"""What is printed where a terminal or pipe has fewer characters than Unicode, as cp1252, Latin-1 or ASCII."""

from __future__ import annotations

import codecs
import io
import sys

_NAME = "aimass"
#: What our own signs are in ASCII; anything else is written as an escape, which says which character it is.
_IN_ASCII = str.maketrans(
    {"…": "...", "→": "->", "·": "-", "✓": "+", "✗": "x", "▸": ">", "⏎": "|", "²": "^2", "³": "^3", "—": "-"}
)


def print_everywhere() -> None:
    """Let standard output and error never refuse a character."""
    codecs.register_error(_NAME, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    """A handler of codecs for characters that cannot be encoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_IN_ASCII)
    return "".join(sign if sign.isascii() else _escaped(sign) for sign in text), error.end


def _escaped(sign: str) -> str:
    """As JSON escapes it, so that JSON stays JSON: beyond 16 bits as two halves."""
    halves = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{halves[place : place + 4]}" for place in range(0, len(halves), 4))
