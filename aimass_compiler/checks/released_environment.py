"""A gate compares with the release of an environment that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("evaluation.gates", "environments")
EXPLANATIONS = (
    Explanation(
        "AM286",
        "a gate compares with the release of an environment that the model does not have",
        "`environment` beside `beats: released` says whose release a new model is held against. Nothing can "
        "be released in an environment that aimass.yaml does not have. Without `environment` it is the last "
        "one, in the order of promotion, in which the model has a release.",
    ),
)
EXAMPLES = (
    Example(
        "AM286",
        fails="evaluation: {gates: [{metric: roc_auc, beats: released, environment: production}]}",
        passes="evaluation: {gates: [{metric: roc_auc, beats: released, environment: prod}]}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Gates whose environment is none of the model's."""
    for place, gate in enumerate(pipeline.evaluation.gates):
        if gate.environment is not None and gate.environment not in pipeline.environments:
            path = ("evaluation", "gates", place, "environment")
            message = f"the model has no environment `{gate.environment}`"
            known = list(pipeline.environments)
            hint = did_you_mean(gate.environment, known) or f"its environments are {', '.join(known)}"
            yield Finding("AM286", path, message, help=hint)
