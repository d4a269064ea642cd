"""Findings for people: the message, the line it is about with a caret, and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aimass_compiler.cli.views.cells import safe, window
from aimass_compiler.cli.views.placed import PlacedFinding, placed
from aimass_compiler.diagnostics import Finding, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aimass_compiler.spec.document import Document

    Style = Literal["error", "warning", "note", "help", "frame", "strong"]
    Paint = Callable[[str, Style], str]

#: Source: ECMA-48, section 8.3.117 (select graphic rendition).
_CODES: dict[Style, str] = {
    "error": "1;31", "warning": "1;33", "note": "1;34", "help": "1;36", "frame": "34", "strong": "1",
}  # fmt: skip
_NARROWEST = 20


def drawn(
    findings: Iterable[Finding],
    documents: Mapping[str, Document],
    *,
    is_coloured: bool = False,
    width: int = 100,
) -> str:
    """Every finding with its lines of source, and a summary; empty when there are none."""
    paint = _coloured if is_coloured else _plain
    found = placed(findings, documents)
    if not found:
        return ""
    blocks = ["\n".join(_block(each, paint, width)) + "\n" for each in found]
    return "\n".join([*blocks, summary([each.finding for each in found]) + "\n"])


def summary(findings: Iterable[Finding]) -> str:
    """How many problems there are, and where: "2 errors, 1 warning in specs/churn.yaml"."""
    listed = list(findings)
    errors = sum(finding.is_error for finding in listed)
    counts = [_counted(errors, "error"), _counted(len(listed) - errors, "warning")]
    files = sorted({finding.file for finding in listed if finding.file})
    where = f" in {safe(files[0])}" if len(files) == 1 else f" in {len(files)} files" if files else ""
    return ", ".join(count for count in counts if count) + where


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""


def _block(found: PlacedFinding, paint: Paint, width: int) -> Iterator[str]:
    finding = found.finding
    style: Style = "error" if finding.severity is Severity.ERROR else "warning"
    head = paint(f"{finding.severity.value}[{finding.code}]", style)
    yield f"{head}{paint(f': {safe(finding.message)}', 'strong')}"
    places = [place for place in (found.place, *(note.place for note in found.notes)) if place]
    gutter = max((len(str(place.line)) for place in places), default=1)
    if found.document and found.place:
        yield from _excerpt(found.document, found.place, gutter, paint, style, width)
    elif finding.file:
        yield f"{paint(' -->', 'frame')} {safe(finding.file)}"
    for note in found.notes:
        yield f"{paint('note', 'note')}: {safe(note.message)}"
        yield from _excerpt(note.document, note.place, gutter, paint, "note", width)
    if finding.help:
        yield f"{paint('help', 'help')}: {safe(finding.help)}"


def _excerpt(
    document: Document, place: Place, gutter: int, paint: Paint, style: Style, width: int
) -> Iterator[str]:
    line = document.lines[place.line - 1]
    end = place.end_column - 1 if place.end_line == place.line else len(line.rstrip())
    room = max(_NARROWEST, width - gutter - len(" | "))
    text, before, marked = window(line, place.column - 1, end, room)
    blank = paint(f"{' ' * gutter} |", "frame")
    yield f"{' ' * gutter}{paint('-->', 'frame')} {safe(document.file)}:{place.line}:{place.column}"
    yield blank
    yield f"{paint(f'{place.line:>{gutter}} |', 'frame')} {text}".rstrip()
    mark = "-" if style == "note" else "^"
    yield f"{blank} {' ' * before}{paint(mark * marked, style)}"


def _plain(text: str, style: Style) -> str:
    del style
    return text


def _coloured(text: str, style: Style) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"
