"""Findings in the form that was asked for; as a JSON document here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aimass_compiler.cli import terminal
from aimass_compiler.cli.views.placed_findings import PlacedFinding, placed
from aimass_compiler.diagnostics import Finding, Place

if TYPE_CHECKING:
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
