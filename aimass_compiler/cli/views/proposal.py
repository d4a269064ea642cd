"""A fix as the lines before and after it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from aimass_compiler.cli.views.cells import window
from aimass_compiler.spec.edits import Replacement, applied

if TYPE_CHECKING:
    from aimass_compiler.cli.views.excerpt import Page
    from aimass_compiler.cli.views.paint import Style
    from aimass_compiler.spec.document import Document

_MOST_LINES = 6


def proposal(document: Document, changes: tuple[Replacement, ...], page: Page) -> Iterator[str]:
    """The lines that change, with `-` as they are and with `+` as they would be."""
    start = document.place_between(changes[0].start, changes[0].start).line
    end = max(document.place_between(change.end, change.end).line for change in changes)
    offset, stop = document.starts_of_lines[start - 1], _end_of_line(document, end)
    moved = [Replacement(change.start - offset, change.end - offset, change.text) for change in changes]
    before = document.lines[start - 1 : end]
    after = applied(document.text[offset:stop], moved).splitlines()
    rows = list(islice(_rows(before, after, start, page), _MOST_LINES + 1))
    yield page.blank
    yield from rows[:_MOST_LINES]
    if len(rows) > _MOST_LINES:
        yield page.paint("...", "frame")


def _end_of_line(document: Document, line: int) -> int:
    return document.starts_of_lines[line - 1] + len(document.lines[line - 1])


def _rows(before: tuple[str, ...], after: list[str], first: int, page: Page) -> Iterator[str]:
    """Line by line where their number stays the same, otherwise all that differ at once."""
    if len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True), first):
            if old != new:
                start = _first_difference(old, new)
                yield _row(old, number, "-", page, start)
                yield _row(new, number, "+", page, start)
        return
    old_lines, new_lines = list(before), list(after)
    while old_lines and new_lines and old_lines[0] == new_lines[0]:
        del old_lines[0], new_lines[0]
        first += 1
    while old_lines and new_lines and old_lines[-1] == new_lines[-1]:
        del old_lines[-1], new_lines[-1]
    yield from (_row(line, number, "-", page) for number, line in enumerate(old_lines, first))
    yield from (_row(line, number, "+", page) for number, line in enumerate(new_lines, first))


def _first_difference(old: str, new: str) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    return next((place for place, (was, now) in pairs if was != now), min(len(old), len(new)))


def _row(line: str, number: int, sign: str, page: Page, start: int = 0) -> str:
    """One line, cut around the character `start` where there is no room for all of it."""
    text = f"{sign} {window(line, start, page.room).text}".rstrip()
    style: Style = "removed" if sign == "-" else "added"
    return f"{page.paint(f'{number:>{page.gutter}}', 'frame')} {page.paint(text, style)}"
