"""What is written about training means something for the model that is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Finding, Severity
from aimass_compiler.explanations import Explanation
from aimass_compiler.pipeline.places import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM249",
        "the model does not learn in epochs",
        "Networks pass over the data in epochs and batches, with an optimizer. Trees and linear models have"
        " their own ways, and their own parameters, such as `n_estimators`.",
    ),
    Explanation(
        "AM250",
        "training is never stopped early",
        "`early_stopping` is how many epochs may pass without a better validation loss. With no more epochs"
        " than that it never ends a trial.",
    ),
    Explanation(
        "AM251",
        "a trial is trained on one machine",
        "Trials run side by side, on as many machines as `search.concurrency` says, but none is shared out "
        "among several machines.",
    ),
)
EXAMPLES = (
    Example("AM249", fails="training: {epochs: 50}", passes="model: mlp\ntraining: {epochs: 50}"),
    Example(
        "AM250",
        fails="model: mlp\ntraining: {epochs: 5, early_stopping: 5}",
        passes="model: mlp\ntraining: {epochs: 20, early_stopping: 5}",
    ),
    Example(
        "AM251",
        fails="training: {workers: 4}",
        passes="search: {concurrency: 4}\nmodel: {xgboost: {max_depth: {choice: [4, 6]}}}",
    ),
)
_OF_EPOCHS = ("epochs", "batch_size", "optimizer")


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Keys of `training` that change nothing, or that cannot be done."""
    training, model = pipeline.training, pipeline.model
    for key in _OF_EPOCHS:
        if key in training.model_fields_set and not model.learns_in_epochs:
            message = f"`{key}` changes nothing: `{model.kind}` does not learn in epochs"
            yield Finding("AM249", ("training", key), message, severity=Severity.WARNING, at_key=True)
    is_written = "early_stopping" in training.model_fields_set
    if model.learns_in_epochs and is_written and training.early_stopping >= training.epochs:
        message = f"`early_stopping` never stops: there are only {training.epochs} epochs"
        hint = "write fewer than `epochs`, or 0 to say that every epoch is wanted"
        where = ("training", "early_stopping")
        yield Finding("AM250", where, message, help=hint, severity=Severity.WARNING)
    for path, workers in written(pipeline, "training.workers"):
        if workers > 1:
            message = f"a trial is trained on one machine, not on {workers}"
            yield Finding(
                "AM251", path, message, help="`search.concurrency` is how many machines train at once"
            )
