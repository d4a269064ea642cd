"""Times and amounts are more than nothing, and shares are not more than everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Finding
from aimass_compiler.explanations import Explanation
from aimass_compiler.pipeline.places import written
from aimass_compiler.values import Duration, Percentage, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM240",
        "a time or an amount is nothing, or a share more than everything",
        "A server with no memory, or an answer within no time, cannot be. Leave the key out for its default. "
        "Percentages of requests and of servers end at 100 %.",
    ),
)
EXAMPLES = (
    Example(
        "AM240",
        fails="serving: {limits: {body: 0}}",
        passes="serving: {limits: {body: 2Mi}}",
    ),
)
_PARTS = (
    "serving.resources.cpu",
    "serving.resources.memory",
    "serving.limits.timeout",
    "serving.limits.body",
    "serving.objectives.availability",
    "serving.objectives.latency.p50",
    "serving.objectives.latency.p95",
    "serving.objectives.latency.p99",
    "serving.tests.load.duration",
    "serving.tests.soak",
    "monitoring.drift.window",
)
_EVERYTHING = 100


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Times, amounts and shares that cannot be meant."""
    for part in _PARTS:
        for path, value in written(pipeline, part):
            where = tuple("for" if step == "duration" else step for step in path)
            if _size(value) == 0:
                yield Finding("AM240", where, f"`{where[-1]}` must be more than `{value}`")
            elif isinstance(value, Percentage) and value.percent > _EVERYTHING:
                yield Finding("AM240", where, f"`{where[-1]}` is at most 100 %, not {value}")


def _size(value: Duration | Quantity | Percentage | None) -> float | None:
    """How much it is in its own unit."""
    if isinstance(value, Duration):
        return value.seconds
    if isinstance(value, Quantity):
        return value.amount
    return value.percent if isinstance(value, Percentage) else None
