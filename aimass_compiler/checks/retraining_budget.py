"""What candidates may cost is known only where prices are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline.override_locations import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("monitoring.retrain", "settings")
EXPLANATIONS = (
    Explanation(
        "AM595",
        "what candidates cost is not known",
        "`monitoring.retrain.budget.cost` limits what training candidates costs in 30 days. That follows "
        "from how long they train and from `prices` in aimass.yaml; without prices every candidate costs "
        "nothing, and the budget holds none back. `budget.candidates` limits how many there are.",
    ),
)
EXAMPLES = (
    Example(
        "AM595",
        fails="monitoring: {retrain: {budget: {cost: 20}}}",
        passes="monitoring: {retrain: {budget: {candidates: 4}}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Budgets in money without prices."""
    if pipeline.settings.prices is not None:
        return
    for path, budget in written(pipeline, "monitoring.retrain.budget"):
        if budget is not None and budget.cost is not None:
            message = "aimass.yaml has no `prices`, so candidates cost nothing and this holds none back"
            hint = "add `prices: {cpu_hour: 0.04, gib_hour: 0.005}`, or limit `candidates`"
            yield Finding("AM595", (*path, "cost"), message, help=hint, severity=Severity.WARNING)
