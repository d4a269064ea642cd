"""Answers are explained in a scale that they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.conventions import LOG_ODDS
from aimass_compiler.diagnostics import Explanation, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("target", "task", "serving.explanations")
EXPLANATIONS = (
    Explanation(
        "AM578",
        "a number has no log-odds",
        "`scale: log_odds` explains the logarithm of the odds of a class. A regression answers numbers in "
        "the unit of its target, and its contributions are in that unit, too.",
    ),
)
_REGRESSION = "target: tenure\nmodel: lightgbm\nfeatures: [one_hot: [plan, churned]]\n"
EXAMPLES = (
    Example(
        "AM578",
        fails=f"{_REGRESSION}serving: {{explanations: {{scale: log_odds}}}}",
        passes=f"{_REGRESSION}serving: {{explanations: {{}}}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Log-odds that are asked of numbers."""
    wanted = pipeline.serving.explanations
    if wanted is not None and wanted.scale == LOG_ODDS and not pipeline.task.is_classification:
        message = f"`{pipeline.task.target}` is a number, which has no log-odds"
        path = ("serving", "explanations", "scale")
        yield Finding("AM578", path, message, help="leave `scale` out")
