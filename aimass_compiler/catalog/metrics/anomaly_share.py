"""The share of rows that are taken for anomalies."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class AnomalyShare(Metric):
    """The share of rows that are taken for anomalies."""

    task: ClassVar[Literal["anomaly"]] = "anomaly"
    is_of_labels: ClassVar[bool] = True
    greater_is_better: ClassVar[bool] = False
    only_describes: ClassVar[bool] = True

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        del truth
        import numpy

        if not len(predicted):
            return float("nan")
        return float(numpy.average(predicted.argmax(axis=1) == task.judged[0], weights=weights))
