"""From older versions of the language to the one that this compiler reads: a file for each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from aimass_compiler.conventions import API_VERSION
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.spec.document import Document
from aimass_compiler.spec.layout import comments, laid_out
from aimass_compiler.spec.migrations import v1alpha1
from aimass_compiler.spec.reader import parse


class Migration(NamedTuple):
    """One step: from a version to the next one."""

    before: str
    after: str
    #: The text of the next version; None where it cannot be said as a change of this text.
    migrated: Callable[[Document], str | None]


#: In the order of the versions; each begins where the one before it ends.
CHAIN = (Migration("aimass/v1alpha1", API_VERSION, v1alpha1.migrated),)


def migrate(content: bytes, file: str) -> tuple[str, str, list[Finding]]:
    """The text in the version that is read here, the version that it was in, and what stands in the way.

    Every comment is kept, or there is a finding and the text stays as it is.
    """
    document, findings = parse(content, file)
    version = str(document.data.get("apiVersion", ""))
    if has_errors(findings) or version == API_VERSION:
        return document.text, version, [finding for finding in findings if finding.is_error]
    start = next((place for place, step in enumerate(CHAIN) if step.before == version), None)
    if start is None:
        told = f"no step is known from `{version}` to `{API_VERSION}`"
        hint = "`apiVersion` must be an older version of the language"
        return document.text, version, [Finding("AM019", ("apiVersion",), told, help=hint, file=file)]
    text: str | None = document.text
    for step in CHAIN[start:]:
        text = step.migrated(parse(text or "", file)[0])
        if text is None:
            told = f"this text cannot be brought from `{step.before}` to `{step.after}` by itself"
            hint = "write `spec` and what is below it on lines of their own, without anchors"
            return document.text, version, [Finding("AM019", ("apiVersion",), told, help=hint, file=file)]
    text = laid_out(text or "").replace("\n", "\r\n" if "\r\n" in document.text else "\n")
    lost = sorted(comments(text)) != sorted(comments(document.text))
    assert not lost, "a migration keeps comments"  # noqa: S101  # it would be our bug
    return text, version, []
