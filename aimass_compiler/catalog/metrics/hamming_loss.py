"""The share of labels that are wrong: given to rows that lack them, or missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task, TaskKind

if TYPE_CHECKING:
    import numpy


class HammingLoss(Metric):
    """The share of labels that are wrong: given to rows that lack them, or missed."""

    task: ClassVar[TaskKind] = "multilabel"
    greater_is_better: ClassVar[bool] = False
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
        wrong = task.decided(predicted) != truth
        return float(numpy.average(wrong.mean(axis=1), weights=weights))
