"""Balanced accuracy: the mean recall of the classes that occur."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class BalancedAccuracy(Metric):
    """Balanced accuracy: the mean recall of the classes that occur."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    is_of_labels: ClassVar[bool] = True

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        import numpy

        is_right = predicted.argmax(axis=1) == truth
        counts = numpy.ones(len(truth)) if weights is None else weights
        recalls = [
            float(numpy.average(is_right[of_class], weights=counts[of_class]))
            for number in range(task.outputs)
            if counts[of_class := truth == number].sum() > 0
        ]
        return float(numpy.mean(recalls)) if recalls else float("nan")
