"""Log loss: the mean negative logarithm of the true class's probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class LogLoss(Metric):
    """Log loss: the mean negative logarithm of the true class's probability."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    greater_is_better: ClassVar[bool] = False
    highest: ClassVar[float] = float("inf")

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        from sklearn.metrics import log_loss

        if not len(truth):
            return float("nan")
        return float(log_loss(truth, predicted, labels=range(task.outputs), sample_weight=weights))
