"""The model predicts what the target is, and minimises a loss that it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._models import suitable
from aimass_compiler.checks._places import declared, either
from aimass_compiler.diagnostics import Finding, did_you_mean
from aimass_compiler.explanations import Explanation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM220",
        "the model does not suit the target",
        "A category is predicted by classification, a number by regression. Most models do both, some only "
        "one.",
    ),
    Explanation(
        "AM221",
        "the model cannot minimise this loss",
        "The loss is what training makes small. Each model knows a few for each task, and some only their "
        "own, which then cannot be chosen.",
    ),
)
EXAMPLES = (
    Example("AM220", fails="model: linear_regression", passes="model: logistic_regression"),
    Example(
        "AM221",
        fails="model: mlp\nobjective: {metric: roc_auc, loss: mean_squared_error}",
        passes="model: mlp\nobjective: {metric: roc_auc, loss: log_loss}",
    ),
)
_NOUNS = {"classification": "classes", "regression": "a number"}


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A model for another task, and a loss that the model does not know."""
    model, task = pipeline.model, pipeline.task
    if task.kind not in model.tasks:
        predicted = either(_NOUNS[kind] for kind in sorted(model.tasks))
        target = pipeline.data.columns[task.target].column_type
        message = f"`{model.kind}` predicts {predicted}, but the target `{task.target}` is {target}"
        hint = f"choose {either(f'`{name}`' for name in suitable(task, model.accepts))}"
        yield Finding("AM220", ("model",), message, help=hint, related=(declared(task.target),))
        return
    loss, known = pipeline.objective.loss, model.losses.get(task.kind, ())
    if loss is not None and loss not in known:
        message = f"`{model.kind}` cannot minimise `{loss}`"
        own = f"leave `loss` out: `{model.kind}` learns by a measure of its own"
        hint = did_you_mean(loss, known) if known else own
        yield Finding("AM221", ("objective", "loss"), message, help=hint)
