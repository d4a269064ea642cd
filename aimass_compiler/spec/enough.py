"""No more findings than people read: a file with thousands of problems has mostly one, such as its format."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Finding, Severity, has_errors
from aimass_compiler.explanations import Example, Explanation

if TYPE_CHECKING:
    from collections.abc import Sequence

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

#: Of one file; what tells them grows with their number, and often with its square.
MOST = 100
_LONGEST_MESSAGE = 1_000


def first(findings: Sequence[Finding], *, uncounted: int = 0) -> list[Finding]:
    """The first hundred findings of a file, and how many others there are, `uncounted` ones included."""
    kept = sorted(findings, key=lambda finding: not finding.is_error) if len(findings) > MOST else findings
    hidden = len(findings) - len(kept[:MOST]) + uncounted
    told = [_cut(finding) for finding in kept[:MOST]]
    if hidden:
        severity = Severity.ERROR if has_errors(findings) else Severity.WARNING
        number = (
            f"{hidden:,} more problems were found" if hidden > 1 else "there are more problems than these"
        )
        last = told[-1]  # beside which it is shown
        hint = "fix some and compile again"
        told.append(
            Finding("AM038", last.path, number, hint, severity, last.at_key, file=last.file, place=last.place)
        )
    return told


def _cut(finding: Finding) -> Finding:
    """The finding with a message that can be read, whatever long text of the user's is in it."""
    if len(finding.message) <= _LONGEST_MESSAGE and len(finding.help) <= _LONGEST_MESSAGE:
        return finding
    message, hint = (
        text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
        for text in (finding.message, finding.help)
    )
    return replace(finding, message=message, help=hint)
