"""A model is trained again when the last training is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Related, Severity
from aimass_compiler.pipeline.override_locations import written
from aimass_compiler.pipeline.schedule import shortest_gap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("search.time", "monitoring.retrain")
EXPLANATIONS = (
    Explanation(
        "AM284",
        "training would be started again before it is over",
        "Each run of the schedule replaces the training job of the one before. The search alone may take as "
        "long as `search.time`, so that with shorter gaps no training ever comes to its end.",
    ),
)
_VOLUME = "waivers: [{code: AM448, reason: another job fills the volume}]\n"
_SEARCH = "model: {logistic_regression: {l2: {uniform: [1, 2]}}}\nsearch: {time: 45m}\n"
EXAMPLES = (
    Example(
        "AM284",
        fails=_VOLUME + _SEARCH + 'monitoring: {retrain: {schedule: "*/15 * * * *"}}',
        passes=_VOLUME + _SEARCH + 'monitoring: {retrain: {schedule: "0 3 * * *"}}',
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Schedules that come round faster than a search."""
    limit = pipeline.search.time
    for path, schedule in written(pipeline, "monitoring.retrain.schedule"):
        if limit is None or schedule is None:
            continue
        gap = shortest_gap(schedule)
        if 60 * gap <= limit.seconds:
            message = f"training starts again after {gap} minutes, but the search may take {limit}"
            note = Related(("search", "time"), f"the search may take {limit}")
            hint = "train less often, or give the search less time"
            yield Finding("AM284", path, message, help=hint, severity=Severity.WARNING, related=(note,))
