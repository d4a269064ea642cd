"""Balanced accuracy: the mean recall of the classes that occur."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.task import Task

if TYPE_CHECKING:
    import numpy


class BalancedAccuracy(Metric):
    """Balanced accuracy: the mean recall of the classes that occur."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    is_of_labels: ClassVar[bool] = True

    def measure(self, task: Task, truth: numpy.ndarray, predicted: numpy.ndarray) -> float:
        import numpy

        recalls = [
            float((predicted[truth == number].argmax(axis=1) == number).mean())
            for number in range(task.outputs)
            if (truth == number).any()
        ]
        return float(numpy.mean(recalls)) if recalls else float("nan")
