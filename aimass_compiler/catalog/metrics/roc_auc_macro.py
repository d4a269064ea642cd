"""The area under the ROC curve of each label, and the mean of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.metric import Metric, of_label
from aimass_compiler.catalog.task import Task, TaskKind

if TYPE_CHECKING:
    import numpy


class RocAucMacro(Metric):
    """The area under the ROC curve of each label, and the mean of them."""

    task: ClassVar[TaskKind] = "multilabel"

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        from aimass_compiler.catalog.metrics.roc_auc import RocAuc

        every = (of_label(RocAuc(), at, task, truth, predicted, weights) for at in range(task.outputs))
        found = [value for value in every if not math.isnan(value)]
        return sum(found) / len(found) if found else float("nan")
