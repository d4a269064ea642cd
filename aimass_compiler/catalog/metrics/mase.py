"""The mean absolute scaled error: below 1, a forecast beats what the last season was in training.

Source: Hyndman & Koehler (2006), Another look at measures of forecast accuracy,
https://doi.org/10.1016/j.ijforecast.2006.03.001
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class MeanAbsoluteScaledError(Metric):
    """The mean absolute scaled error (MASE): below 1, a forecast is better than the last season, repeated."""

    task: ClassVar[Literal["classification", "regression"]] = "regression"
    greater_is_better: ClassVar[bool] = False
    highest: ClassVar[float] = float("inf")
    is_scaled: ClassVar[bool] = True

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        """The mean absolute error of numbers that were divided by their series' scale."""
        del task
        import numpy

        return (
            float(numpy.average(numpy.abs(truth - predicted), weights=weights))
            if len(truth)
            else float("nan")
        )
