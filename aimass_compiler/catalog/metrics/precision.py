"""Precision: the share of rows given a class that have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric, of_labels
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class Precision(Metric):
    """Precision: the share of rows given a class that have it."""

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
        from sklearn.metrics import precision_score

        return of_labels(precision_score, task, truth, predicted, weights)
