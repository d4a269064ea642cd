"""Findings for people: the message, the marked lines of source, the hint, and what a fix would change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from aimass_compiler.cli import terminal
from aimass_compiler.cli.terminal import Paint, Style
from aimass_compiler.cli.views.cells import Window, safe, width_of, window, wrapped
from aimass_compiler.cli.views.placed_findings import PlacedFinding, placed
from aimass_compiler.diagnostics import Finding, Place, Severity
from aimass_compiler.spec.edits.replacements import Replacement, applied
from aimass_compiler.spec.yaml.document import Document

_NARROWEST = 20
_MOST_LINES = 6


def drawn(
    findings: Iterable[Finding],
    documents: Mapping[str, Document],
    *,
    most: int | None = None,
    is_coloured: bool = False,
    width: int = 100,
    wraps: bool = False,
) -> str:
    """Findings with their lines of source, and a summary; empty when there are none.

    Source is cut to the width; prose is only where it `wraps`, so that it can be searched elsewhere.
    Of the warnings of one code those beyond the first `most` are counted only.
    """
    paint = terminal.coloured if is_coloured else terminal.plain
    shown, others = _divided(findings, most)
    found = placed(shown, documents)
    if not found:
        return ""
    blocks = []
    for each in found:
        page = _Page(_gutter(each), width, paint)
        blocks.append("\n".join(_block(each, page, width if wraps else None)) + "\n")
    for code, more in sorted(others.items()):
        head, said = f"warning[{code}]", f"{len(more)} more{_where(more)}"
        hint = f"{paint('help', 'help')}: `aimass check` shows all of them"
        blocks.append(f"{paint(head, 'warning')}{paint(f': {said}', 'strong')}\n{hint}\n")
    every = [each.finding for each in found] + [each for more in others.values() for each in more]
    return "\n".join([*blocks, summary(every) + "\n"])


def _divided(findings: Iterable[Finding], most: int | None) -> tuple[list[Finding], dict[str, list[Finding]]]:
    """What is shown, and by their codes the warnings that are not; those of the first files are."""
    if most is None:
        return [*findings], {}
    shown: list[Finding] = []
    of_code: dict[str, list[Finding]] = {}
    for finding in sorted(dict.fromkeys(findings), key=lambda each: each.file):
        if finding.is_error:
            shown.append(finding)
        else:
            of_code.setdefault(finding.code, []).append(finding)
    shown += [finding for listed in of_code.values() for finding in listed[:most]]
    return shown, {code: listed[most:] for code, listed in of_code.items() if len(listed) > most}


def summary(findings: Iterable[Finding]) -> str:
    """How many problems there are, and where: "2 errors, 1 warning in specs/churn.yaml"."""
    listed = list(findings)
    errors = sum(finding.is_error for finding in listed)
    counts = [_counted(errors, "error"), _counted(len(listed) - errors, "warning")]
    return ", ".join(count for count in counts if count) + _where(listed) + _fixable(listed)


def _where(findings: Iterable[Finding]) -> str:
    files = sorted({finding.file for finding in findings if finding.file})
    return f" in {safe(files[0])}" if len(files) == 1 else f" in {len(files)} files" if files else ""


def _fixable(listed: Sequence[Finding]) -> str:
    """How many of them which command fixes."""
    is_safe = [finding.fix.is_safe for finding in listed if finding.fix]
    if not is_safe:
        return ""
    fixable = "fixable" if len(listed) == 1 else f"{len(is_safe)} fixable"
    if not any(is_safe):
        return f"; {fixable} with `aimass fix --unsafe-fixes`, which may change the model"
    of_which = "" if all(is_safe) else f", {len(is_safe) - sum(is_safe)} of them with `--unsafe-fixes`"
    return f"; {fixable} with `aimass fix`{of_which}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""


def _gutter(found: PlacedFinding) -> int:
    """How many digits the numbers of the lines that are shown have."""
    places = [place for place in (found.place, *(note.place for note in found.notes)) if place]
    return max((len(str(place.line)) for place in places), default=1)


def _block(found: PlacedFinding, page: _Page, width: int | None) -> Iterator[str]:
    finding = found.finding
    style: Style = "error" if finding.severity is Severity.ERROR else "warning"
    head = f"{finding.severity.value}[{finding.code}]"
    yield from _prose(head, finding.message, style, page, width)
    if found.document and found.place:
        yield from _excerpts(found, style, page)
    elif finding.file:
        yield f"{page.paint(' -->', 'frame')} {safe(finding.file)}"
    hint = finding.help or (finding.fix.message if finding.fix else "")
    if hint:
        yield from _prose("help", hint, "help", page, width)
    if found.document and found.changes:
        yield from _proposal(found.document, found.changes, page)


def _prose(head: str, text: str, style: Style, page: _Page, width: int | None) -> Iterator[str]:
    """A word, a colon and a sentence; further lines begin below the sentence."""
    indent = len(f"{head}: ")
    first, *rest = wrapped(text, width - indent if width else None)
    is_head = style != "help"
    strong = page.paint(f": {first}", "strong") if is_head else f": {first}"
    yield f"{page.paint(head, style)}{strong}"
    for line in rest:
        yield " " * indent + (page.paint(line, "strong") if is_head else line)


def _excerpts(found: PlacedFinding, style: Style, page: _Page) -> Iterator[str]:
    """One _excerpt of each file, that of the finding first; a note about the same place becomes its label."""
    assert found.document is not None and found.place is not None  # noqa: S101, PT018  # who calls saw to it
    same = [note for note in found.notes if note.document is found.document and note.place == found.place]
    label = "; ".join(note.message for note in same)
    others = [note for note in found.notes if note not in same]
    here = [note for note in others if note.document is found.document]
    marks = [_Mark(found.place, label, style), *(_Mark(note.place, note.message, "note") for note in here)]
    yield from _excerpt(found.document, marks, page)
    elsewhere = {note.document.file: note.document for note in others if note not in here}
    for file, document in elsewhere.items():
        notes = [note for note in others if note.document.file == file]
        marks = [_Mark(note.place, note.message, "note") for note in notes]
        yield from _excerpt(document, marks, page, ":::")


class _Mark(Struct, frozen=True):
    """A stretch of text to underline, and what is said of it; the first of several is the main one."""

    place: Place
    label: str
    style: Style

    @property
    def sign(self) -> str:
        return "-" if self.style == "note" else "^"


class _Page(Struct, frozen=True):
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


class _Drawn(Struct, frozen=True):
    """A mark in columns of the terminal."""

    column: int
    width: int
    mark: _Mark


def _excerpt(document: Document, marks: Sequence[_Mark], page: _Page, arrow: str = "-->") -> Iterator[str]:
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


def _line(shown: Window, number: int, page: _Page) -> str:
    return f"{page.paint(f'{number:>{page.gutter}} |', 'frame')} {shown.text}".rstrip()


def _marked(line: str, number: int, marks: Sequence[_Mark], page: _Page) -> Iterator[str]:
    shown = window(line, marks[0].place.column - 1, page.room)
    yield _line(shown, number, page)
    drawn = []
    for mark in marks:
        is_one_line = mark.place.end_line == number
        end = mark.place.end_column - 1 if is_one_line else len(line.rstrip())
        drawn.append(_Drawn(*shown.columns(mark.place.column - 1, end), mark))
    for row in _rows(drawn, page):
        yield f"{page.blank} {row}".rstrip()


def _rows(drawn: list[_Drawn], page: _Page) -> Iterator[str]:
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
    cells: dict[int, _Mark] = {}
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


def _proposal(document: Document, changes: tuple[Replacement, ...], page: _Page) -> Iterator[str]:
    """The lines that change, with `-` as they are and with `+` as they would be."""
    start = document.place_between(changes[0].start, changes[0].start).line
    end = max(document.place_between(change.end, change.end).line for change in changes)
    offset, stop = document.starts_of_lines[start - 1], _end_of_line(document, end)
    moved = [Replacement(change.start - offset, change.end - offset, change.text) for change in changes]
    before = document.lines[start - 1 : end]
    after = applied(document.text[offset:stop], moved).splitlines()
    rows = list(islice(_changed_rows(before, after, start, page), _MOST_LINES + 1))
    yield page.blank
    yield from rows[:_MOST_LINES]
    if len(rows) > _MOST_LINES:
        yield page.paint("...", "frame")


def _end_of_line(document: Document, line: int) -> int:
    return document.starts_of_lines[line - 1] + len(document.lines[line - 1])


def _changed_rows(before: tuple[str, ...], after: list[str], first: int, page: _Page) -> Iterator[str]:
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


def _row(line: str, number: int, sign: str, page: _Page, start: int = 0) -> str:
    """One line, cut around the character `start` where there is no room for all of it."""
    text = f"{sign} {window(line, start, page.room).text}".rstrip()
    style: Style = "removed" if sign == "-" else "added"
    return f"{page.paint(f'{number:>{page.gutter}}', 'frame')} {page.paint(text, style)}"
