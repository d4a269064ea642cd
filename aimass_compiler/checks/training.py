"""What is written about training means something for the model that is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog import frameworks
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Assign, Explanation, Finding, Fix, Remove, Severity
from aimass_compiler.pipeline.override_locations import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.training import Training

NEEDS = ("model", "training", "search")
EXPLANATIONS = (
    Explanation(
        "AM249",
        "the model does not learn in epochs",
        "Networks pass over the data in epochs and batches, with an optimizer. Trees and linear models have "
        "their own ways, and their own parameters, such as `n_estimators`. `early_stopping` means something "
        "to what learns step by step: networks and boosted trees, `augmentation` to networks for images.",
    ),
    Explanation(
        "AM250",
        "training is never stopped early",
        "`early_stopping` is how many epochs may pass without a better validation loss. With no more epochs"
        " than that it never ends a trial.",
    ),
    Explanation(
        "AM281",
        "the model does not use the GPUs that training asks for",
        "A job waits for its GPUs and keeps them from others, whether its model can use them or not. "
        "PyTorch and XGBoost can; the other frameworks, as their extras bring them, cannot.",
    ),
    Explanation(
        "AM287",
        "the learning rate's warm-up never ends",
        "`warmup` is over how many epochs the learning rate grows from zero to what the optimizer says. With "
        "no more epochs than that, training ends before its schedule begins.",
    ),
    Explanation(
        "AM251",
        "the model cannot be spread over workers",
        "PyTorch, XGBoost and LightGBM train one model in several processes, each with its share of the "
        "rows. The other frameworks learn in one; their trials run side by side, as many as "
        "`search.concurrency` says.",
    ),
)
EXAMPLES = (
    Example(
        "AM249", fails="training: {early_stopping: 5}", passes="model: mlp\ntraining: {early_stopping: 5}"
    ),
    Example(
        "AM249",
        fails="model: mlp\ntraining: {augmentation: [flip]}",
        passes="data: {columns: {photo: {type: image, shape: [1, 8, 8]}}}\nmodel: cnn\n"
        "features: [drop: [tenure, charges, plan]]\ntraining: {augmentation: [flip]}",
    ),
    Example("AM249", fails="training: {epochs: 50}", passes="model: mlp\ntraining: {epochs: 50}"),
    Example(
        "AM250",
        fails="model: mlp\ntraining: {epochs: 5, early_stopping: 5}",
        passes="model: mlp\ntraining: {epochs: 20, early_stopping: 5}",
    ),
    Example(
        "AM287",
        fails="model: mlp\ntraining: {epochs: 20, schedule: {cosine: {warmup: 20}}}",
        passes="model: mlp\ntraining: {epochs: 20, schedule: {cosine: {warmup: 2}}}",
    ),
    Example("AM249", fails="training: {schedule: cosine}", passes="model: mlp\ntraining: {schedule: cosine}"),
    Example(
        "AM281",
        fails="training: {gpus: 1}",
        passes="model: mlp\ntraining: {gpus: 1}",
        settings="images: {ray: 'rayproject/ray:2.55.1-py311-gpu'}",
    ),
    Example(
        "AM251",
        fails="model: random_forest\ntraining: {workers: 4}",
        passes="model: mlp\ntraining: {workers: 4}",
    ),
)
_OF_EPOCHS = ("epochs", "batch_size", "optimizer", "schedule", "gradient_norm")


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Keys of `training` that change nothing, or that cannot be done."""
    training, model = pipeline.training, pipeline.first_model
    for key in _OF_EPOCHS:
        if key in training.model_fields_set and not model.learns_in_epochs:
            yield _pointless(model.kind, key, "in epochs")
    is_written = "early_stopping" in training.model_fields_set
    if is_written and training.early_stopping and not (model.learns_in_steps or model.stops_early):
        yield _pointless(model.kind, "early_stopping", "step by step")
    if training.augmentation and model.examples.column != "image":
        yield _pointless(model.kind, "augmentation", "from images")
    yield from _gpus(pipeline)
    if model.learns_in_epochs and training.schedule.warmup >= training.epochs:
        yield _warm_up(training)
    if model.learns_in_epochs and is_written and training.early_stopping >= training.epochs:
        message = f"`early_stopping` never stops: there are only {training.epochs} epochs"
        hint = "write fewer than `epochs`, or 0 to say that every epoch is wanted"
        where = ("training", "early_stopping")
        yield Finding("AM250", where, message, help=hint, severity=Severity.WARNING)
    yield from _workers(pipeline)


def _pointless(kind: str, key: str, how: str) -> Finding:
    path, message = ("training", key), f"`{key}` changes nothing: `{kind}` does not learn {how}"
    fix = Fix(f"leave `{key}` out", (Remove(path),))
    severity = Severity.WARNING
    return Finding("AM249", path, message, help=fix.message, severity=severity, at_key=True, fix=fix)


def _warm_up(training: Training) -> Finding:
    message = f"the warm-up of {training.schedule.warmup:g} epochs never ends: there are {training.epochs}"
    where = ("training", "schedule", training.schedule.kind, "warmup")
    return Finding("AM287", where, message, help="write fewer than `epochs`, or more `epochs`")


def _gpus(pipeline: Pipeline) -> Iterator[Finding]:
    for path, gpus in written(pipeline, "training.gpus"):
        if gpus and not pipeline.first_model.trained_by.uses_gpus:
            module = pipeline.first_model.trained_by.module
            message = (
                f"`{pipeline.first_model.kind}` does not learn on GPUs with {module}, so these would idle"
            )
            fix = Fix("write `gpus: 0`", (Assign(path, 0),))
            yield Finding("AM281", path, message, help=fix.message, severity=Severity.WARNING, fix=fix)


def _workers(pipeline: Pipeline) -> Iterator[Finding]:
    model = pipeline.first_model
    for path, workers in written(pipeline, "training.workers"):
        if workers == 1 or model.trained_by.trainer is not None:
            continue
        by = f" with `{model.trained_by.module}`" if model.learns_in_epochs else ""
        message = f"`{model.kind}`{by} cannot be trained by several workers"
        able = [name for name in frameworks.names() if frameworks.framework_named(name).trainer]
        hint = f"write `workers: 1`, or choose models that one of {', '.join(able)} trains"
        fix = Fix("write `workers: 1`", (Assign(path, 1),))
        yield Finding("AM251", path, message, help=hint, fix=fix)
