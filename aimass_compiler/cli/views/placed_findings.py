"""Findings located in their documents, in the order in which every form shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler.diagnostics import Finding, Place, Related

if TYPE_CHECKING:
    from aimass_compiler.spec.edits.replacements import Replacement
    from aimass_compiler.spec.yaml.document import Document


class Note(Struct, frozen=True):
    """A related remark, and where it points."""

    message: str
    document: Document
    place: Place


class PlacedFinding(Struct, frozen=True):
    """A finding, and where it is; a file that nobody could read has no places."""

    finding: Finding
    document: Document | None
    place: Place | None
    notes: tuple[Note, ...]
    changes: tuple[Replacement, ...] = ()
    """What its fix does to the text."""


def placed(findings: Iterable[Finding], documents: Mapping[str, Document]) -> list[PlacedFinding]:
    """The findings with their places, sorted by file and place, each once."""
    known: dict[tuple[str, Place | None, str, str], PlacedFinding] = {}
    for finding in findings:
        found = _placed(finding, documents)
        known.setdefault((finding.file, found.place, finding.code, finding.message), found)
    return sorted(known.values(), key=_order)


def _placed(finding: Finding, documents: Mapping[str, Document]) -> PlacedFinding:
    document = documents.get(finding.file)
    if document is None or not document.text:
        return PlacedFinding(finding, None, None, ())
    from aimass_compiler.spec.edits.replacements import replacements

    notes = tuple(
        _note(related, documents.get(related.file, document))
        for related in finding.related
        if not related.file or related.file in documents
    )
    changes = (replacements(document, finding.fix) or ()) if finding.fix else ()
    return PlacedFinding(finding, document, document.place_of_finding(finding), notes, changes)


def _note(related: Related, document: Document) -> Note:
    return Note(related.message, document, document.place_of_finding(related))


def _order(found: PlacedFinding) -> tuple[str, Place, str, str]:
    place = found.place or Place(0, 0, 0, 0)
    return found.finding.file, place, found.finding.code, found.finding.message
