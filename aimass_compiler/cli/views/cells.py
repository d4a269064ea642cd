"""How text fills a terminal's columns: wide, combining, invisible characters and tabs."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

TAB_WIDTH = 4
_ELLIPSIS = "…"
_UNSAFE_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")
#: Marks that reorder what follows on screen, so that code reads differently from what it says.
#: Source: https://trojansource.codes
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class _Cell:
    drawn: str
    width: int


def safe(text: str) -> str:
    """The text with what could drive a terminal, or reorder it, made visible."""
    return "".join(cell.drawn for cell in _cells(text))


def width_of(text: str) -> int:
    """How many columns the text takes from the first column on."""
    return sum(cell.width for cell in _cells(text))


def window(line: str, start: int, end: int, width: int) -> tuple[str, int, int]:
    """A line cut to a width around characters `start` to `end`: the text, columns before, columns of it.

    The marked part has at least one column, for what is missing at the end of a line.
    """
    cells = _cells(line)
    before = sum(cell.width for cell in cells[:start])
    marked = max(1, sum(cell.width for cell in cells[start:end]))
    if sum(cell.width for cell in cells) <= width:
        return "".join(cell.drawn for cell in cells), before, marked
    first = _first_shown(cells, start, width)
    lead = _ELLIPSIS if first else ""
    room = width - len(lead)
    if sum(cell.width for cell in cells[first:]) > room:
        last, tail = _last_shown(cells, first, room - len(_ELLIPSIS)), _ELLIPSIS
    else:
        last, tail = len(cells), ""
    shown = "".join(cell.drawn for cell in cells[first:last])
    skipped = len(lead) + sum(cell.width for cell in cells[first:start])
    return f"{lead}{shown}{tail}", skipped, min(marked, max(1, width - skipped))


def _first_shown(cells: list[_Cell], start: int, width: int) -> int:
    """The first character to draw, so that about a third of the room shows what comes before."""
    room = 0
    for index in range(start - 1, -1, -1):
        room += cells[index].width
        if room > width // 3:
            return index + 1
    return 0


def _last_shown(cells: list[_Cell], first: int, room: int) -> int:
    for index in range(first, len(cells)):
        room -= cells[index].width
        if room < 0:
            return index
    return len(cells)


def _cells(text: str) -> list[_Cell]:
    cells = []
    column = 0
    for character in text:
        cell = _cell(character, column)
        column += cell.width
        cells.append(cell)
    return cells


def _cell(character: str, column: int) -> _Cell:
    if character == "\t":
        width = TAB_WIDTH - column % TAB_WIDTH
        return _Cell(" " * width, width)
    category = unicodedata.category(character)
    if category in _UNSAFE_CATEGORIES or character in _REORDERING:
        return _Cell("\N{REPLACEMENT CHARACTER}", 1)
    if category in ("Mn", "Me", "Cf"):
        return _Cell(character, 0)
    is_wide = unicodedata.east_asian_width(character) in ("W", "F")
    return _Cell(character, 2 if is_wide else 1)
