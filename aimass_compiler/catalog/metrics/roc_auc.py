"""The area under the ROC curve: how surely a row of the class ranks before one of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric, one_against_rest
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class RocAuc(Metric):
    """The area under the ROC curve: how surely a row of the class ranks before one of another."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        from sklearn.metrics import roc_auc_score

        return one_against_rest(roc_auc_score, task, truth, predicted, weights)
