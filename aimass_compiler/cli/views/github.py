"""Findings as GitHub's workflow commands, which annotate the lines of a pull request.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions, and
`escapeData` and `escapeProperty` in https://github.com/actions/toolkit
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.placed_findings import PlacedFinding, placed
from aimass_compiler.model_path import owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aimass_compiler.diagnostics import Finding
    from aimass_compiler.plan import Plan
    from aimass_compiler.spec.yaml.document import Document

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
    message = f"{finding.message}\nhelp: {finding.help}" if finding.help else finding.message
    return _annotation(finding.severity.value, properties, message)


def stale(plan: Plan, specs: Mapping[str, str]) -> str:
    """One command for each model whose files are not what its spec compiles to.

    It points at the spec, which the pull request shows: `specs` has it by the model. Where there is
    none, it points at the first of the files.
    """
    counts: dict[str, list[str]] = {}
    of_teams = plan.of_teams
    for change in plan.changes:
        if change.action.value != "unchanged":
            counts.setdefault(owner_of(change.path, of_teams), []).append(change.path)
    return "".join(f"{_stale(plan.shown_as, model, paths, specs)}\n" for model, paths in counts.items())


def _stale(folder: str, model: str, paths: list[str], specs: Mapping[str, str]) -> str:
    first = f"{folder}/{paths[0]}"
    spec = specs.get(model)
    why = f"is not what {spec} compiles to" if spec else "is left of a spec that is gone"
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    message = f"{folder}/{model} {why}: {first}{more}\nhelp: run `aimass compile` and commit the result"
    return _annotation("error", {"file": spec or first, "title": f"{folder}/ is stale"}, message)


def _annotation(severity: str, properties: Mapping[str, str], message: str) -> str:
    written = ",".join(f"{name}={_safe(value).translate(_IN_PROPERTY)}" for name, value in properties.items())
    return f"::{severity} {written}::{_safe(message).translate(_IN_DATA)}"


def _safe(text: str) -> str:
    """The text as lines without what could drive the terminal that shows a log."""
    return "\n".join(map(safe, text.split("\n")))
