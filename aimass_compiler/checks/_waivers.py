"""Warnings that somebody accepts are not told, and a waiver that accepts nothing is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from aimass_compiler.diagnostics import Example, Explanation, Finding, Fix, Remove, Severity, has_errors

if TYPE_CHECKING:
    from aimass_compiler.pipeline.waiver import Waiver

EXPLANATIONS = (
    Explanation(
        "AM257",
        "a waiver accepts nothing",
        "A waiver names the code of a warning, why it is accepted, and optionally where: `waivers: [{code: "
        "AM216, at: data.columns.note, reason: kept for the audit}]`. One that meets no warning hides the "
        "next one of its kind from those who could fix it, so remove it once it did its work. Errors "
        "cannot be accepted. The waivers of aimass.yaml hold for every spec, so one that accepts nothing "
        "there is not reported.",
    ),
)

EXAMPLES = (
    Example(
        "AM257",
        fails="waivers: [{code: AM216, at: data.columns.plan, reason: it is kept for the audit}]",
        passes="waivers: [{code: AM216, at: data.columns.plan, reason: it is kept for the audit}]\n"
        "features: [standardize: tenure]",
    ),
)


class Accepting(Protocol):
    """What may hold waivers: a spec, or the settings."""

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """The warnings that are accepted."""


def remaining(
    findings: Sequence[Finding], spec: Accepting | None, settings: Accepting | None, file: str
) -> list[Finding]:
    """The findings that nobody accepts, and the waivers of the spec that accept none.

    Where there are errors not everything was looked at, so that no waiver is idle for certain.
    """
    waivers = spec.waivers if spec else ()
    accepted = (*waivers, *(settings.waivers if settings else ()))
    if not accepted:
        return list(findings)
    left = [
        finding
        for finding in findings
        if finding.is_error or not any(_meets(waiver, finding) for waiver in accepted)
    ]
    return [*left, *_idle(findings, waivers, file)]


def _meets(waiver: Waiver, finding: Finding) -> bool:
    """Whether a waiver names the code of a finding, and a place at or above it."""
    if waiver.code != finding.code:
        return False
    where = ".".join(str(step) for step in finding.path)
    return waiver.at is None or f"{where}.".startswith(f"{waiver.at}.")


def _idle(findings: Sequence[Finding], waivers: Sequence[Waiver], file: str) -> Iterator[Finding]:
    for place, waiver in enumerate(waivers):
        if waiver.is_of_scanner:  # which is asked when the manifests are there
            continue
        matched = [finding for finding in findings if _meets(waiver, finding)]
        path = ("waivers", place)
        if matched and all(finding.is_error for finding in matched):
            message = f"{waiver.code} is an error here, and only warnings can be accepted"
        elif not matched and not has_errors(findings):
            where = f" at `{waiver.at}`" if waiver.at else ""
            message = f"{waiver.code} is not found{where}, so this waiver accepts nothing"
        else:
            continue
        fix = Fix(f"remove the waiver of {waiver.code}", (Remove(path),))
        severity = Severity.WARNING
        yield Finding("AM257", path, message, help="remove it", severity=severity, file=file, fix=fix)
