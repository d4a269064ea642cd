"""Average precision: the mean precision over the thresholds, weighted by the recall each adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric, one_against_rest
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class AveragePrecision(Metric):
    """Average precision: the mean precision over the thresholds, weighted by the recall each adds."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    is_of_positive: ClassVar[bool] = True

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        from sklearn.metrics import average_precision_score

        return one_against_rest(average_precision_score, task, truth, predicted, weights)
