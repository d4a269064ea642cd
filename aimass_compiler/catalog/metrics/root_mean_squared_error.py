"""The root of the mean squared error, in the target's unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class RootMeanSquaredError(Metric):
    """The root of the mean squared error, in the target's unit."""

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
        from sklearn.metrics import root_mean_squared_error

        return (
            float(root_mean_squared_error(truth, predicted, sample_weight=weights))
            if len(truth)
            else float("nan")
        )
