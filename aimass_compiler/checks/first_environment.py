"""The first environment in the order of promotion asks for no time in the one before, which there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("settings",)
EXPLANATIONS = (
    Explanation(
        "AM294",
        "the first environment waits for the one before it",
        "`soak` says how long a version must have been released in the environment before, in the order of "
        "aimass.yaml. The first one has none before it, so it asks for nothing there: versions come to it as "
        "soon as they are made. Mostly the key belongs to a later environment.",
    ),
)
EXAMPLES = (
    Example(
        "AM294",
        fails="environments: {dev: {soak: 24h}, prod: {}}\n",
        passes="environments: {dev: {}, prod: {soak: 24h}}\n",
        of="settings",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A `soak` that has nothing before it."""
    first, *others = pipeline.settings.environments
    if pipeline.settings.environments[first].soak is None:
        return
    hint = f"write it below `{others[0]}`, or leave it out" if others else "leave it out"
    yield Finding(
        "AM294",
        ("environments", first, "soak"),
        f"`{first}` is the first environment, and there is none before it to soak in",
        help=hint,
        severity=Severity.WARNING,
        at_key=True,
        file=conventions.SETTINGS_FILE,
    )
