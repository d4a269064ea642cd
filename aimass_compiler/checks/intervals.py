"""Prediction intervals are of a number that is predicted row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared_target
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Remove

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "evaluation.intervals")
EXPLANATIONS = (
    Explanation(
        "AM349",
        "a prediction interval of what has none",
        "A prediction interval goes from a lower to an upper end around a predicted mean. A class has "
        "probabilities instead, and a quantile is one end of an interval itself. A forecast has intervals "
        "without asking, one for each step: `task: {forecast: {horizon: 14, interval: 0.9}}`.",
    ),
)
_FORECAST = (
    "target: tenure\nmodel: lightgbm\ndata: {{columns: {{day: time}}}}\ntask: {{forecast: {}}}\n"
    "features: [lags: {{column: tenure, lags: [1]}}, one_hot: [plan, churned]]"
)
EXAMPLES = (
    Example(
        "AM349",
        fails="evaluation: {intervals: {coverage: 0.9}}",
        passes="target: charges\nfeatures: [standardize: tenure, one_hot: [plan, churned]]\n"
        "model: linear_regression\nevaluation: {intervals: {coverage: 0.9}}",
    ),
    Example(
        "AM349",
        fails=_FORECAST.format("3") + "\nevaluation: {intervals: {coverage: 0.8}}",
        passes=_FORECAST.format("{horizon: 3, interval: 0.8}"),
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Intervals of a classification, around a quantile, or beside those of a forecast."""
    task = pipeline.task
    what = _without_interval(task)
    if pipeline.evaluation.intervals is None or what is None:
        return
    path = ("evaluation", "intervals")
    fix = Fix("leave `intervals` out", (Remove(path),))
    hint = fix.message if task.forecast is None else f"{fix.message}; `task.forecast.interval` sets its share"
    subject = task.subject if task.has_target else "what is predicted"
    message = f"{subject} {what}"
    yield Finding("AM349", path, message, help=hint, related=declared_target(pipeline), at_key=True, fix=fix)


def _without_interval(task: Task) -> str | None:
    """Why the intervals of a regression are none of this task's; None where they are."""
    if task.is_classification:
        return "is no number, so it has no prediction interval"
    if task.quantile is not None:
        return "is predicted by a quantile, so it has no prediction interval"
    if task.forecast is not None:
        return "is forecast, and a forecast has intervals anyway"
    return None
