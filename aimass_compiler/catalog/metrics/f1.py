"""F1: the harmonic mean of precision and recall, of the positive class or averaged over all."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric, of_labels
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class F1(Metric):
    """F1: the harmonic mean of precision and recall, of the positive class or averaged over all."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    is_of_positive: ClassVar[bool] = True
    is_of_labels: ClassVar[bool] = True

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        from sklearn.metrics import f1_score

        return of_labels(f1_score, task, truth, predicted, weights)
