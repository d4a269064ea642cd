"""The Brier score: the mean squared distance of probabilities from what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class BrierScore(Metric):
    """The Brier score: the mean squared distance of probabilities from what happened."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    greater_is_better: ClassVar[bool] = False
    highest: ClassVar[float] = 2.0

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        import numpy

        if not len(truth):
            return float("nan")
        happened = truth[:, None] == range(task.outputs)
        distances = ((predicted.astype(float) - happened) ** 2).sum(axis=1)
        distance = float(numpy.average(distances, weights=weights))
        return distance / 2 if task.is_binary else distance
