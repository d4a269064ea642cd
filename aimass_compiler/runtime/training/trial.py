"""One trial: learn with given values, predict the validation split, and measure the predictions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.label_by_label import learned
from aimass_compiler.catalog.metric import Metric, metric_named
from aimass_compiler.catalog.model import Budget, Model, Trained
from aimass_compiler.catalog.model_choice import ModelChoice
from aimass_compiler.catalog.share import Share
from aimass_compiler.catalog.task import Task
from aimass_compiler.diagnostics import HintedError
from aimass_compiler.pipeline.decision import Decision
from aimass_compiler.pipeline.training import Objective, Training
from aimass_compiler.runtime.evaluation.decision import chosen
from aimass_compiler.runtime.evaluation.predictions import Predictions, scores_of, truth_of
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.progress import say
from aimass_compiler.runtime.training.sample_weights import emphasized
from aimass_compiler.runtime.training.space import filled

#: Told each step with its losses; a trial that falls behind is ended by what this raises.
Watch = Callable[[int, Mapping[str, float]], None]
_ALONE = Share()
#: Of predictions with several numbers each, the one that must be finite.
_NUMBER = "log_probability"
History = list[tuple[int, dict[str, float]]]


@dataclass(frozen=True)
class Assignment:
    """What every trial of a stage has in common. Small: it travels to every worker."""

    task: Task
    model: Model | ModelChoice
    objective: Objective
    training: Training
    matrices: Path
    decision: Decision | None = None
    """How labels are given, where the objective's metric is of labels."""
    features: tuple[str, ...] = ()
    """What the features of a table are called."""
    root: Path = Path()
    """The project's root."""

    @property
    def metric(self) -> Metric:
        """What compares the trials."""
        return metric_named(self.objective.metric)

    def budget(self, training: Training, checkpoint: Path | None, share: Share = _ALONE) -> Budget:
        """What one trial may spend; of several workers, this one."""
        return Budget(
            epochs=training.epochs,
            batch_size=training.batch_size,
            patience=training.early_stopping,
            seed=training.seed,
            threads=max(1, int(training.resources.cpu)),
            optimizer=training.optimizer,
            schedule=training.schedule,
            augmentation=training.augmentation,
            gradient_norm=training.gradient_norm,
            accumulation=training.gradient_accumulation or 1,
            precision=training.precision or "float32",
            features=self.features,
            loss=self.objective.loss,
            gpus=training.gpus,
            root=self.root,
            say=say,
            checkpoint=checkpoint,
            share=share,
        )


@dataclass(frozen=True)
class Fitted:
    """A model that has learned, and how it did."""

    trained: Trained
    model: Model
    training: Training
    value: float
    """The objective's metric on the validation split."""
    history: History
    seconds: float


def fit(
    assignment: Assignment, values: Mapping[str, Any], checkpoint: Path, watch: Watch, share: Share = _ALONE
) -> Fitted:
    """Train with these values; raises ValueError when the result cannot be measured.

    Of several workers only the first one measures: of the others `value` is not a number.
    """
    model, training = filled(assignment.model, assignment.training, values)
    if model.examples.column != "image":
        training = training.filled(augmentation=())
    history: History = []

    def progress(step: int, losses: Mapping[str, float]) -> bool:
        history.append((step, dict(losses)))
        watch(step, losses)
        return False

    train, validation = (
        read_examples(assignment.matrices, "train"),
        read_examples(assignment.matrices, "validation"),
    )
    started = time.perf_counter()
    trained = learned(
        model,
        assignment.task,
        *emphasized(assignment.task, training, train, validation),
        assignment.budget(training, checkpoint, share),
        progress,
    )
    if not share.is_first:
        return Fitted(trained, model, training, math.nan, history, time.perf_counter() - started)
    value = measured(assignment, scores_of(trained.predict, validation.x), validation)
    return Fitted(trained, model, training, value, history, time.perf_counter() - started)


def reason_of(error: Exception) -> str:
    """Why a trial failed, on one line."""
    return str(error) if isinstance(error, HintedError) else f"{type(error).__name__}: {error}"


def measured(assignment: Assignment, predicted: numpy.ndarray, rows: Examples) -> float:
    """The objective's metric of predictions; raises ValueError where it is not defined."""
    numbers = predicted[_NUMBER] if predicted.dtype.names else predicted
    if not numpy.isfinite(numbers).all():
        raise ValueError("the predictions are not finite numbers")
    found = Predictions(truth_of(assignment.task, rows), predicted, rows.weights, rows.series)
    if assignment.decision is not None:
        threshold = chosen(assignment.decision, assignment.task, found).threshold
        found = found.decided(threshold)
    value = found.measured(assignment.metric, assignment.task)
    if not math.isfinite(value):
        raise ValueError(f"`{assignment.objective.metric}` is not defined on the validation split")
    return value
