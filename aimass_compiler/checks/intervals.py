"""Prediction intervals are of a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Remove

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "evaluation.intervals")
EXPLANATIONS = (
    Explanation(
        "AM349",
        "a prediction interval without a number",
        "A prediction interval goes from a lower to an upper end around a predicted mean. A class has "
        "probabilities instead, and a quantile is one end of an interval itself.",
    ),
)
EXAMPLES = (
    Example(
        "AM349",
        fails="evaluation: {intervals: {coverage: 0.9}}",
        passes="target: charges\nfeatures: [standardize: tenure, one_hot: [plan, churned]]\n"
        "model: linear_regression\nevaluation: {intervals: {coverage: 0.9}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Intervals of a classification, or around a quantile."""
    task = pipeline.task
    if pipeline.evaluation.intervals is None or (task.kind == "regression" and task.quantile is None):
        return
    path = ("evaluation", "intervals")
    what = "is no number" if task.quantile is None else "is predicted by a quantile"
    message = f"`{task.target}` {what}, so it has no prediction interval"
    fix = Fix("leave `intervals` out", (Remove(path),))
    yield Finding(
        "AM349", path, message, help=fix.message, related=(declared(task.target),), at_key=True, fix=fix
    )
