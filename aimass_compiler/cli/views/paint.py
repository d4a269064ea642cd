"""Colours on a terminal, and none elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Style = Literal["error", "warning", "note", "help", "frame", "strong", "removed", "added"]
Paint = Callable[[str, Style], str]

#: Source: ECMA-48, section 8.3.117 (select graphic rendition).
_CODES: dict[Style, str] = {
    "error": "1;31", "warning": "1;33", "note": "1;34", "help": "1;36", "frame": "34", "strong": "1",
    "removed": "31", "added": "32",
}  # fmt: skip


def plain(text: str, style: Style) -> str:
    """The text as it is."""
    del style
    return text


def coloured(text: str, style: Style) -> str:
    """The text in the style's colour; nothing for nothing."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text else ""
