"""Findings for programs: one JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aimass_compiler.cli.views.placed import PlacedFinding, placed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aimass_compiler.diagnostics import Finding, Place
    from aimass_compiler.spec.document import Document

FORMAT = "aimass.findings/v1"


def drawn(findings: Iterable[Finding], documents: Mapping[str, Document]) -> str:
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
        "findings": [_record(each) for each in found],
    }
    return json.dumps(document, indent=2) + "\n"


def _record(found: PlacedFinding) -> dict[str, Any]:
    finding = found.finding
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "help": finding.help,
        "file": finding.file,
        "path": list(finding.path),
        "place": _place(found.place),
        "related": [
            {"message": note.message, "file": note.document.file, "place": _place(note.place)}
            for note in found.notes
        ],
        "fix": _fix(found),
    }


def _fix(found: PlacedFinding) -> dict[str, Any] | None:
    """What certainly mends it: texts for stretches that do not overlap; all of them, or none."""
    if found.finding.fix is None or found.document is None or not found.changes:
        return None
    changes = [
        {"place": _place(found.document.place_between(change.start, change.end)), "text": change.text}
        for change in found.changes
    ]
    return {
        "message": found.finding.fix.message,
        "is_safe": found.finding.fix.is_safe,
        "changes": changes,
    }


def _place(place: Place | None) -> dict[str, int] | None:
    if place is None:
        return None
    return {
        "line": place.line,
        "column": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }
