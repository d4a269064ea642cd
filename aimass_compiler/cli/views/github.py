"""Findings as GitHub's workflow commands, which annotate the lines of a pull request.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions, and
`escapeData` and `escapeProperty` in https://github.com/actions/toolkit
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.placed import PlacedFinding, placed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aimass_compiler.diagnostics import Finding
    from aimass_compiler.spec.document import Document

_IN_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = _IN_DATA | str.maketrans({":": "%3A", ",": "%2C"})


def drawn(findings: Iterable[Finding], documents: Mapping[str, Document]) -> str:
    """One command per finding and line."""
    return "".join(f"{_command(found)}\n" for found in placed(findings, documents))


def _command(found: PlacedFinding) -> str:
    finding = found.finding
    properties = {"file": finding.file} if finding.file else {}
    if found.place:
        properties |= {"line": str(found.place.line), "endLine": str(found.place.end_line)}
        # GitHub refuses columns where an annotation spans lines.
        if found.place.line == found.place.end_line:
            properties |= {"col": str(found.place.column), "endColumn": str(found.place.end_column)}
    properties["title"] = finding.code
    written = ",".join(f"{name}={_safe(value).translate(_IN_PROPERTY)}" for name, value in properties.items())
    message = f"{finding.message}\nhelp: {finding.help}" if finding.help else finding.message
    return f"::{finding.severity.value} {written}::{_safe(message).translate(_IN_DATA)}"


def _safe(text: str) -> str:
    """The text as lines without what could drive the terminal that shows a log."""
    return "\n".join(map(safe, text.split("\n")))
