"""A prediction is held to rise or fall only with numbers that are features, and where it can be held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.loss import PINBALL
from aimass_compiler.catalog.monotone_model import MonotoneModel
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "features", "model", "objective")
EXPLANATIONS = (
    Explanation(
        "AM295",
        "the prediction cannot be held to rise or fall",
        "`monotone` names numbers that are features when the model reads them. A number or one of two "
        "classes can be held to a direction, more classes cannot. The losses of medians and quantiles set a "
        "leaf's value after its split, past all limits.",
    ),
)
EXAMPLES = (
    Example(
        "AM295",
        fails="model: {xgboost: {monotone: {tenur: decreasing}}}",
        passes="model: {xgboost: {monotone: {tenure: decreasing}}}",
    ),
)
_PAST_ALL_LIMITS = frozenset({"mean_absolute_error", PINBALL})


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Names that are no single number, and tasks and losses that keep no direction."""
    model, task, loss = pipeline.first_model, pipeline.task, pipeline.objective.loss
    if not isinstance(model, MonotoneModel) or not model.monotone:
        return
    path = ("model", model.kind, "monotone")
    if task.is_classification and not task.is_binary:
        noun = "labels" if task.is_multilabel else "classes"
        message = f"{task.subject} has {task.outputs} {noun}, of which none can be held to a direction"
        yield Finding("AM295", path, message, help="leave `monotone` out", at_key=True)
        return
    if loss in _PAST_ALL_LIMITS:
        message = f"what minimises `{loss}` keeps to no direction"
        yield Finding(
            "AM295", path, message, help="choose another loss, or leave `monotone` out", at_key=True
        )
    numbers = [name for name, kind in pipeline.flow.outcome.items() if kind.is_feature and kind.is_single]
    for name in model.monotone:
        if name not in numbers:
            message = f"`{name}` is no number that `{model.kind}` reads"
            hint = did_you_mean(name, numbers) if numbers else "`select` leaves one vector, without names"
            yield Finding("AM295", (*path, name), message, help=hint, at_key=True)
