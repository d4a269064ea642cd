"""Somebody is warned of drift before somebody is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Finding
from aimass_compiler.explanations import Explanation
from aimass_compiler.pipeline.places import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM245",
        "the warning of drift would come after the call",
        "Above `warn` a ticket is opened, above `page` somebody is called: `warn` is the smaller one.",
    ),
)
EXAMPLES = (
    Example(
        "AM245",
        fails="monitoring: {drift: {warn: 0.3}}",
        passes="monitoring: {drift: {warn: 0.3, page: 0.5}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Thresholds of drift in the wrong order."""
    for path, drift in written(pipeline, "monitoring.drift"):
        if drift.warn >= drift.page:
            message = f"`warn` is {drift.warn:g}, which is not below `page`, {drift.page:g}"
            yield Finding("AM245", (*path, "warn"), message)
