"""Findings for people: the message, the lines that it is about, the way out and what it would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.cli.views import paint as painting
from aimass_compiler.cli.views.cells import safe, wrapped
from aimass_compiler.cli.views.excerpt import Mark, Page, excerpt
from aimass_compiler.cli.views.placed import PlacedFinding, placed
from aimass_compiler.diagnostics import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aimass_compiler.cli.views.paint import Style
    from aimass_compiler.spec.document import Document


def drawn(
    findings: Iterable[Finding],
    documents: Mapping[str, Document],
    *,
    is_coloured: bool = False,
    width: int = 100,
    wraps: bool = False,
) -> str:
    """Every finding with its lines of source, and a summary; empty when there are none.

    Source is cut to the width; prose is only where it `wraps`, so that it can be searched elsewhere.
    """
    paint = painting.coloured if is_coloured else painting.plain
    found = placed(findings, documents)
    if not found:
        return ""
    blocks = []
    for each in found:
        page = Page(_gutter(each), width, paint)
        blocks.append("\n".join(_block(each, page, width if wraps else None)) + "\n")
    return "\n".join([*blocks, summary([each.finding for each in found]) + "\n"])


def summary(findings: Iterable[Finding]) -> str:
    """How many problems there are, and where: "2 errors, 1 warning in specs/churn.yaml"."""
    listed = list(findings)
    errors = sum(finding.is_error for finding in listed)
    counts = [_counted(errors, "error"), _counted(len(listed) - errors, "warning")]
    files = sorted({finding.file for finding in listed if finding.file})
    where = f" in {safe(files[0])}" if len(files) == 1 else f" in {len(files)} files" if files else ""
    return ", ".join(count for count in counts if count) + where + _fixable(listed)


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


def _block(found: PlacedFinding, page: Page, width: int | None) -> Iterator[str]:
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
        from aimass_compiler.cli.views.proposal import proposal

        yield from proposal(found.document, found.changes, page)


def _prose(head: str, text: str, style: Style, page: Page, width: int | None) -> Iterator[str]:
    """A word, a colon and a sentence; further lines begin below the sentence."""
    indent = len(f"{head}: ")
    first, *rest = wrapped(text, width - indent if width else None)
    is_head = style != "help"
    strong = page.paint(f": {first}", "strong") if is_head else f": {first}"
    yield f"{page.paint(head, style)}{strong}"
    for line in rest:
        yield " " * indent + (page.paint(line, "strong") if is_head else line)


def _excerpts(found: PlacedFinding, style: Style, page: Page) -> Iterator[str]:
    """One excerpt of each file, that of the finding first; a note about the same place becomes its label."""
    assert found.document is not None and found.place is not None  # noqa: S101, PT018  # who calls saw to it
    same = [note for note in found.notes if note.document is found.document and note.place == found.place]
    label = "; ".join(note.message for note in same)
    others = [note for note in found.notes if note not in same]
    here = [note for note in others if note.document is found.document]
    marks = [Mark(found.place, label, style), *(Mark(note.place, note.message, "note") for note in here)]
    yield from excerpt(found.document, marks, page)
    elsewhere = {note.document.file: note.document for note in others if note not in here}
    for file, document in elsewhere.items():
        notes = [note for note in others if note.document.file == file]
        yield from excerpt(document, [Mark(note.place, note.message, "note") for note in notes], page, ":::")
