"""Lines of a file with marks below what findings are about, each mark with its label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimass_compiler.cli.views.cells import Window, safe, width_of, window, wrapped

if TYPE_CHECKING:
    from aimass_compiler.cli.views.paint import Paint, Style
    from aimass_compiler.diagnostics import Place
    from aimass_compiler.spec.document import Document

_NARROWEST = 20


@dataclass(frozen=True)
class Mark:
    """A stretch of text to underline, and what is said of it; the first of several is the main one."""

    place: Place
    label: str
    style: Style

    @property
    def sign(self) -> str:
        return "-" if self.style == "note" else "^"


@dataclass(frozen=True)
class Page:
    """How much room there is: for the numbers of lines, and for everything."""

    gutter: int
    width: int
    paint: Paint

    @property
    def room(self) -> int:
        return max(_NARROWEST, self.width - self.gutter - len(" | "))

    @property
    def blank(self) -> str:
        return self.paint(f"{' ' * self.gutter} |", "frame")


@dataclass(frozen=True)
class _Drawn:
    """A mark in columns of the terminal."""

    column: int
    width: int
    mark: Mark


def excerpt(document: Document, marks: Sequence[Mark], page: Page, arrow: str = "-->") -> Iterator[str]:
    """The marked lines, with dots where lines between them are left out."""
    main = marks[0].place
    where = f"{safe(document.file)}:{main.line}:{main.column}"
    yield f"{' ' * page.gutter}{page.paint(arrow, 'frame')} {where}"
    yield page.blank
    before = None
    for number in sorted({mark.place.line for mark in marks}):
        if before is not None and number == before + 2:
            yield _line(window(document.lines[before], 0, page.room), before + 1, page)
        elif before is not None and number > before + 2:
            yield page.paint("...", "frame")
        here = [mark for mark in marks if mark.place.line == number]
        yield from _marked(document.lines[number - 1], number, here, page)
        before = number


def _line(shown: Window, number: int, page: Page) -> str:
    return f"{page.paint(f'{number:>{page.gutter}} |', 'frame')} {shown.text}".rstrip()


def _marked(line: str, number: int, marks: Sequence[Mark], page: Page) -> Iterator[str]:
    shown = window(line, marks[0].place.column - 1, page.room)
    yield _line(shown, number, page)
    drawn = []
    for mark in marks:
        is_one_line = mark.place.end_line == number
        end = mark.place.end_column - 1 if is_one_line else len(line.rstrip())
        drawn.append(_Drawn(*shown.columns(mark.place.column - 1, end), mark))
    for row in _rows(drawn, page):
        yield f"{page.blank} {row}".rstrip()


def _rows(drawn: list[_Drawn], page: Page) -> Iterator[str]:
    """The underlines with the last label beside them, then the other labels below, from right to left."""
    labelled = sorted((each for each in drawn if each.mark.label), key=lambda each: each.column)
    row = _underlines(drawn, page.paint)
    beside = labelled[-1] if labelled and _fits_beside(labelled[-1], drawn, page.room) else None
    if beside:
        row += f" {page.paint(safe(beside.mark.label), beside.mark.style)}"
        labelled = labelled[:-1]
    yield row
    if labelled:
        yield _connectors(labelled, page.paint)
    while labelled:
        label = labelled.pop()
        room = max(_NARROWEST, page.room - label.column)
        for text in wrapped(label.mark.label, room):
            left = _connectors([other for other in labelled if other.column < label.column], page.paint)
            taken = max((other.column + 1 for other in labelled if other.column < label.column), default=0)
            yield f"{left}{' ' * (label.column - taken)}{page.paint(text, label.mark.style)}"


def _fits_beside(label: _Drawn, drawn: list[_Drawn], room: int) -> bool:
    end = label.column + label.width
    is_last = all(each.column + each.width <= end for each in drawn)
    return is_last and end + 1 + width_of(label.mark.label) <= room


def _underlines(drawn: list[_Drawn], paint: Paint) -> str:
    """All marks in one row; where two overlap, the main one is seen."""
    cells: dict[int, Mark] = {}
    for each in reversed(drawn):
        cells |= dict.fromkeys(range(each.column, each.column + each.width), each.mark)
    row, column = "", 0
    for start in sorted(cells):
        if start < column:
            continue
        end = start
        while end + 1 in cells and cells[end + 1] is cells[start]:
            end += 1
        mark = cells[start]
        row += " " * (start - column) + paint(mark.sign * (end + 1 - start), mark.style)
        column = end + 1
    return row


def _connectors(labelled: Sequence[_Drawn], paint: Paint) -> str:
    """A bar in the column of each label that is still to come."""
    row, column = "", 0
    for each in labelled:
        if each.column >= column:
            row += " " * (each.column - column) + paint("|", each.mark.style)
            column = each.column + 1
    return row
