"""The findings of one file as they are reported: each once, and no more of them than people read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity, has_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aimass_compiler.pipeline.settings import Settings
    from aimass_compiler.spec.yaml.document import Document

EXPLANATIONS = (
    Explanation(
        "AM038",
        "there are more problems than are shown",
        "Of each file, the first hundred findings are reported, errors before warnings. Fix some and compile "
        "again; where there are thousands, one mistake is often behind them all, such as a data file "
        "in place of a spec.",
    ),
)

EXAMPLES = (Example("AM038", "A spec repeats a key 20,000 times.", "It has each key once.", "situation"),)

#: Of one file; the work of reporting grows with their number, and often with its square.
MOST = 100
_LONGEST_MESSAGE = 1_000


def reported(findings: Sequence[Finding], document: Document) -> list[Finding]:
    """The findings of a document without duplicates, at most a hundred, with messages that can be read."""
    found = _distinct(findings, document) if len(findings) > 1 else [*findings]
    if len(found) > MOST:
        found.sort(key=lambda finding: not finding.is_error)
        found[MOST:] = [_more(found[MOST - 1], has_errors(found))]
    return [_cut(finding) for finding in found]


def reported_each(findings: Sequence[Finding], documents: Mapping[str, Document]) -> list[Finding]:
    """The same of several documents by their files; the first has what belongs to none of them."""
    by_file: dict[str, list[Finding]] = {file: [] for file in documents}
    first = next(iter(documents))
    for found in findings:
        by_file[found.file if found.file in by_file else first].append(found)
    return [found for file, own in by_file.items() for found in reported(own, documents[file])]


def as_written(finding: Finding, settings: Settings) -> Finding:
    """A finding of the settings, at what the team says itself where that is what it is about."""
    is_of_settings = settings.team is not None and finding.file == conventions.SETTINGS_FILE
    origin = settings.team.origin_of(finding.path) if settings.team and is_of_settings else None
    return replace(finding, file=origin[0], path=origin[1]) if origin else finding


def _distinct(findings: Sequence[Finding], document: Document) -> list[Finding]:
    """Without repetitions: about a value that came in by an alias, or that is an error anyhow."""
    placed = [(found, document.place_of_finding(found)) for found in dict.fromkeys(findings)]
    written = {(found.code, place) for found, place in placed if not document.is_repeated(found.path)}
    wrong = {place for found, place in placed if found.is_error}
    return [
        found
        for found, place in placed
        if not ((found.code, place) in written and document.is_repeated(found.path))
        and not (found.code == "AM018" and place in wrong)
    ]


def _more(last: Finding, are_errors: bool) -> Finding:  # it is what the second one is
    """That there are more, shown beside the last one that is reported."""
    severity = Severity.ERROR if are_errors else Severity.WARNING
    message, hint = "there are more problems than these", "fix some and compile again"
    return Finding("AM038", last.path, message, hint, severity, last.at_key, file=last.file, place=last.place)


def _cut(finding: Finding) -> Finding:
    """The finding with a message that can be read, whatever long text of the user's is in it."""
    if len(finding.message) <= _LONGEST_MESSAGE and len(finding.help) <= _LONGEST_MESSAGE:
        return finding
    message, hint = (
        text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
        for text in (finding.message, finding.help)
    )
    return replace(finding, message=message, help=hint)
