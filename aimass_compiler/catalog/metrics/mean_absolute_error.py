"""The mean absolute error, in the target's unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class MeanAbsoluteError(Metric):
    """The mean absolute error, in the target's unit."""

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
        del task
        from sklearn.metrics import mean_absolute_error

        return (
            float(mean_absolute_error(truth, predicted, sample_weight=weights))
            if len(truth)
            else float("nan")
        )
