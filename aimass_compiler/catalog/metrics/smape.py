"""The symmetric mean absolute percentage error, from 0 to 2: errors as shares of both numbers.

Source: Hyndman & Koehler (2006), Another look at measures of forecast accuracy,
https://doi.org/10.1016/j.ijforecast.2006.03.001; as in GluonTS and, as a share, in the M4 competition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class SymmetricMeanAbsolutePercentageError(Metric):
    """The symmetric mean absolute percentage error (sMAPE), from 0 to 2: 0.1 is 10 %."""

    task: ClassVar[Literal["classification", "regression"]] = "regression"
    greater_is_better: ClassVar[bool] = False
    highest: ClassVar[float] = 2.0

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        """2 |t - p| / (|t| + |p|) on average; a row in which both are 0 has no error."""
        del task
        import numpy

        if not len(truth):
            return float("nan")
        sizes = numpy.abs(truth) + numpy.abs(predicted)
        errors = 2 * numpy.abs(truth - predicted) / numpy.where(sizes > 0, sizes, 1.0)
        return float(numpy.average(errors, weights=weights))
