"""F1 of each label, and the mean of them: a rare label counts as much as a common one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task, TaskKind

if TYPE_CHECKING:
    import numpy


class F1Macro(Metric):
    """F1 of each label, and the mean of them: a rare label counts as much as a common one."""

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
        return float(f1_score(truth, given, average="macro", sample_weight=weights, zero_division=0))
