"""Recall: the share of a class's rows that are given it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric, of_labels
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class Recall(Metric):
    """Recall: the share of a class's rows that are given it."""

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
        from sklearn.metrics import recall_score

        return of_labels(recall_score, task, truth, predicted, weights)
