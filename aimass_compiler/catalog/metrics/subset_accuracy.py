"""The share of rows all of whose labels are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task, TaskKind

if TYPE_CHECKING:
    import numpy


class SubsetAccuracy(Metric):
    """The share of rows all of whose labels are right."""

    task: ClassVar[TaskKind] = "multilabel"
    is_of_labels: ClassVar[bool] = True

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
        right = (task.decided(predicted) == truth).all(axis=1)
        return float(numpy.average(right, weights=weights))
