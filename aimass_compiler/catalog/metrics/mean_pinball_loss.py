"""The mean pinball loss: of a quantile, whose misses on the rarer side cost more."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class MeanPinballLoss(Metric):
    """The mean pinball loss: of the task's quantile, or else of the median: half the absolute error."""

    task: ClassVar[Literal["classification", "regression"]] = "regression"
    greater_is_better: ClassVar[bool] = False
    highest: ClassVar[float] = float("inf")

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        from sklearn.metrics import mean_pinball_loss

        if not len(truth):
            return float("nan")
        return float(mean_pinball_loss(truth, predicted, sample_weight=weights, alpha=task.level))
