"""Findings located in their documents, in the form that was asked for; as a JSON document here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.cli import terminal
from aimass_compiler.diagnostics import Finding, Place, Related

if TYPE_CHECKING:
    from aimass_compiler.spec.edits.replacements import Replacement
    from aimass_compiler.spec.yaml.document import Document

FORMATS = ("people", "json", "sarif", "github")
FORMAT = "aimass.findings/v1"
#: So many warnings of a code are read where something else was asked for; `aimass check` shows all of them.
MOST_OF_A_CODE = 10


def show(
    findings: Iterable[Finding], documents: Mapping[str, Document], form: str, *, most: int | None = None
) -> None:
    """Print findings: to standard error for people, to standard output for programs.

    People are shown at most `most` warnings of each code, and how many more there are.
    """
    if form == "json":
        sys.stdout.write(as_json(findings, documents))
    elif form == "sarif":
        from aimass_compiler.cli.views import sarif

        sys.stdout.write(sarif.drawn(findings, documents))
    elif form == "github":
        from aimass_compiler.cli.views import github

        sys.stdout.write(github.drawn(findings, documents))
    elif listed := list(findings):
        from aimass_compiler.cli.views import findings_text

        stream = sys.stderr
        sys.stdout.flush()
        drawn = findings_text.drawn(
            listed,
            documents,
            most=most,
            is_coloured=terminal.is_coloured(stream),
            width=terminal.width(),
            wraps=stream.isatty(),
        )
        stream.write(drawn)


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


def as_json(findings: Iterable[Finding], documents: Mapping[str, Document]) -> str:
    """The findings with their places; lines and columns count from one, ends are exclusive.

    A column is a character (a code point), wherever it is shown.
    Every character is ASCII, because a spec may hold text that a pipe's encoding cannot.
    """
    found = placed(findings, documents)
    errors = sum(each.finding.is_error for each in found)
    document = {
        "format": FORMAT,
        "errors": errors,
        "warnings": len(found) - errors,
        "findings": [_finding_json(each) for each in found],
    }
    return json.dumps(document, indent=2) + "\n"


def _finding_json(found: PlacedFinding) -> dict[str, Any]:
    finding = found.finding
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "help": finding.help,
        "file": finding.file,
        "path": list(finding.path),
        "place": _place_json(found.place),
        "related": [
            {"message": note.message, "file": note.document.file, "place": _place_json(note.place)}
            for note in found.notes
        ],
        "fix": _fix_json(found),
    }


def _fix_json(found: PlacedFinding) -> dict[str, Any] | None:
    """What certainly fixes it: texts for stretches that do not overlap; all of them, or none."""
    if found.finding.fix is None or found.document is None or not found.changes:
        return None
    changes = [
        {"place": _place_json(found.document.place_between(change.start, change.end)), "text": change.text}
        for change in found.changes
    ]
    return {
        "message": found.finding.fix.message,
        "is_safe": found.finding.fix.is_safe,
        "changes": changes,
    }


def _place_json(place: Place | None) -> dict[str, int] | None:
    if place is None:
        return None
    return {
        "line": place.line,
        "column": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }
