"""The model predicts what the target is, and minimises a loss that it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.loss import PINBALL
from aimass_compiler.catalog.model import model_named
from aimass_compiler.checks._catalog import suitable_models
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared, declared_target, either, subject_of
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Remove, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "model", "objective")
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
    Explanation(
        "AM288",
        "this quantile cannot be predicted",
        "`quantile: 0.9` predicts the number that nine of ten targets are below, by the pinball loss. "
        "Classes have no quantiles, and not every model knows this loss.",
    ),
)
_OF_A_NUMBER = "target: charges\nfeatures: [standardize: tenure, one_hot: [plan, churned]]\n"
EXAMPLES = (
    Example(
        "AM288",
        fails=f"{_OF_A_NUMBER}model: linear_regression\nquantile: 0.9",
        passes=f"{_OF_A_NUMBER}model: quantile_regression\nquantile: 0.9",
    ),
    Example("AM288", fails="quantile: 0.9", passes=f"{_OF_A_NUMBER}model: lightgbm\nquantile: 0.9"),
    Example("AM220", fails="model: linear_regression", passes="model: logistic_regression"),
    Example(
        "AM221",
        fails="model: mlp\nobjective: {metric: roc_auc, loss: mean_squared_error}",
        passes="model: mlp\nobjective: {metric: roc_auc, loss: log_loss}",
    ),
)
_NOUNS = {
    "classification": "classes",
    "regression": "a number",
    "clustering": "clusters",
    "anomaly": "anomalies",
    "generation": "a text",
    "multilabel": "labels",
}


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A model for another task, and a loss that the model does not know."""
    model, task = pipeline.first_model, pipeline.task
    if not model.suits(task):
        predicted = either(_NOUNS[kind] for kind in sorted(model.tasks))
        message = f"`{model.kind}` predicts {predicted}, but {subject_of(pipeline)}"
        hint = f"choose {either(f'`{name}`' for name in suitable_models(task, model.examples))}"
        yield Finding("AM220", ("model",), message, help=hint, related=declared_target(pipeline))
        return
    if not model.reads_target and task.has_target and not task.is_binary:
        message = f"`{model.kind}` separates two classes, but `{task.target}` has {task.outputs}"
        hint = "declare two classes, or leave `target` out and write `task: anomaly`"
        yield Finding("AM220", ("model",), message, help=hint, related=declared_target(pipeline))
        return
    if task.quantile is not None and (problem := _quantile_problem(pipeline)) is not None:
        yield problem
        return
    loss, known = pipeline.objective.loss, model.losses_for(task)
    if loss is not None and loss not in known:
        message = f"`{model.kind}` cannot minimise `{loss}`"
        own = f"leave `loss` out: `{model.kind}` learns by its own criterion"
        hint = did_you_mean(loss, known) if known else own
        yield Finding("AM221", ("objective", "loss"), message, help=hint)


def _quantile_problem(pipeline: Pipeline) -> Finding | None:
    model, task, path = pipeline.first_model, pipeline.task, ("quantile",)
    if task.is_classification:
        message = f"`{task.target}` has classes, which have no quantile"
        away = Fix("remove `quantile`", (Remove(path),))
        return Finding("AM288", path, message, help=away.message, related=(declared(task.target),), fix=away)
    if PINBALL not in model.losses.get(task.kind, ()):
        able = [
            name
            for name in suitable_models(task, model.examples)
            if PINBALL in model_named(name).losses.get(task.kind, ())
        ]
        message = f"`{model.kind}` predicts means, not quantiles"
        hint = f"choose {either(f'`{name}`' for name in able)}" if able else "leave `quantile` out"
        return Finding("AM288", ("model",), message, help=hint)
    if pipeline.objective.loss != PINBALL:
        message = f"the loss of a quantile is `{PINBALL}`, not `{pipeline.objective.loss}`"
        return Finding("AM288", ("objective", "loss"), message, help="leave `loss` out")
    return None
