"""Calinski-Harabasz index: how far clusters are apart, against how wide (Calinski and Harabasz 1974)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.metrics._of_clusters import score_of
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class CalinskiHarabasz(Metric):
    """Calinski-Harabasz index: the variance between clusters against that within them."""

    task: ClassVar[Literal["clustering"]] = "clustering"
    highest: ClassVar[float] = float("inf")

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        del task, weights
        from sklearn.metrics import calinski_harabasz_score

        return score_of(calinski_harabasz_score, truth, predicted)
