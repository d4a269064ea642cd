"""F1 of all labels together: each row and label is one decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task, TaskKind

if TYPE_CHECKING:
    import numpy


class F1Micro(Metric):
    """F1 of all labels together: each row and label is one decision."""

    task: ClassVar[TaskKind] = "multilabel"
    is_of_labels: ClassVar[bool] = True

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        from sklearn.metrics import f1_score

        if not len(truth):
            return float("nan")
        given = task.decided(predicted)
        return float(f1_score(truth, given, average="micro", sample_weight=weights, zero_division=0))
