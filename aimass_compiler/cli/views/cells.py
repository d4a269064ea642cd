"""How text fills a terminal's columns: wide, combining, invisible characters and tabs; and tables of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from msgspec import Struct

TAB_WIDTH = 4
_ELLIPSIS = "…"
#: So many characters around what is marked are looked at: a line can have millions.
_NEAR = 1000
_UNSAFE_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")
#: Marks that reorder what follows on screen, so that code reads differently from what it says.
#: Source: https://trojansource.codes
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class _Cell(Struct, frozen=True):
    drawn: str
    width: int


def safe(text: str) -> str:
    """The text with what could drive a terminal, or reorder it, made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(cell.drawn for cell in _cells(text))


def width_of(text: str) -> int:
    """How many columns the text takes from the first column on."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(cell.width for cell in _cells(text))


class Window(Struct, frozen=True):
    """The part of a line that is shown: its text, and the columns that each character of the line takes."""

    text: str
    _cells: tuple[_Cell, ...]
    _first: int
    _last: int
    _offset: int = 0
    """How many characters of the line come before these cells."""
    _has_more: bool = False
    """Whether others come behind them."""

    def columns(self, start: int, end: int) -> tuple[int, int]:
        """In which column characters `start` to `end` begin, and how many they take: at least one.

        What is not shown is where the ellipsis is.
        """
        start, end = start - self._offset, end - self._offset
        lead = len(_ELLIPSIS) if self._first or self._offset else 0
        begin = min(max(start, self._first), self._last)
        stop = min(max(end, begin), self._last)
        before = lead + sum(cell.width for cell in self._cells[self._first : begin])
        is_cut = start < self._first
        marked = sum(cell.width for cell in self._cells[begin:stop]) + (lead if is_cut else 0)
        if end > self._last and (self._has_more or self._last < len(self._cells)):
            marked += len(_ELLIPSIS)
        return before - (lead if is_cut else 0), max(1, marked)


def window(line: str, start: int, width: int) -> Window:
    """A line cut to a width around the character `start`."""
    offset, has_more = max(0, start - _NEAR), len(line) > start + _NEAR
    cells = tuple(_cells(line[offset : start + _NEAR]))
    if not offset and not has_more and sum(cell.width for cell in cells) <= width:
        return Window("".join(cell.drawn for cell in cells), cells, 0, len(cells))
    first = _first_shown(cells, start - offset, width // 3)
    lead = _ELLIPSIS if first or offset else ""
    room = width - len(lead)
    if has_more or sum(cell.width for cell in cells[first:]) > room:
        last, tail = _last_shown(cells, first, room - len(_ELLIPSIS)), _ELLIPSIS
    else:
        last, tail = len(cells), ""
    shown = "".join(cell.drawn for cell in cells[first:last])
    return Window(f"{lead}{shown}{tail}", cells, first, last, offset, has_more)


def wrapped(text: str, width: int | None, first: int = 0) -> list[str]:
    """Safe prose in lines of a width, the first of them shorter; in one line where there is no width.

    Words that are longer than a line stay whole.
    """
    lines, room = [""], (width or 0) - first
    for word in safe(text).split(" "):
        if width and lines[-1] and width_of(f"{lines[-1]} {word}") > room:
            lines.append(word)
            room = width
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """The rows as lines, the first column flush left and numbers flush right."""
    cells = [[safe(cell) for cell in row] for row in rows]
    widths = [max(width_of(row[place]) for row in cells) for place in range(len(cells[0]))] if cells else []
    return [
        f"{indent}{'  '.join(_padded(cell, width) for cell, width in zip(row, widths, strict=True))}".rstrip()
        for row in cells
    ]


def _first_shown(cells: Sequence[_Cell], start: int, width: int) -> int:
    """The first character to draw, so that at most this room shows what comes before."""
    room = 0
    for index in range(start - 1, -1, -1):
        room += cells[index].width
        if room > width:
            return index + 1
    return 0


def _last_shown(cells: Sequence[_Cell], first: int, room: int) -> int:
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


def _padded(cell: str, width: int) -> str:
    space = " " * (width - width_of(cell))
    is_number = cell[:1].isdigit() or cell[:1] == "-" or (cell[:1] == "+" and cell[1:2].isdigit())
    return space + cell if is_number else cell + space
