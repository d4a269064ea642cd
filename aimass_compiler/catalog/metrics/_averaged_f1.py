"""F1 of several labels as one number, averaged in one of scikit-learn's ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task, TaskKind

if TYPE_CHECKING:
    import numpy


class AveragedF1(Metric):
    """F1 of several labels as one number."""

    task: ClassVar[TaskKind] = "multilabel"
    is_of_labels: ClassVar[bool] = True
    #: How, as scikit-learn's `f1_score` calls it.
    average: ClassVar[str]

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
        return float(f1_score(truth, given, average=self.average, sample_weight=weights, zero_division=0))
