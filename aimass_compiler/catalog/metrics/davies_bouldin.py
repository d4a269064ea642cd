"""Davies-Bouldin index: how wide clusters are against how far they are apart (Davies and Bouldin 1979)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.metrics._of_clusters import score_of
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class DaviesBouldin(Metric):
    """Davies-Bouldin index: how wide clusters are against how far they are apart, of each the worst pair."""

    task: ClassVar[Literal["clustering"]] = "clustering"
    greater_is_better: ClassVar[bool] = False
    highest: ClassVar[float] = float("inf")

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        del task, weights
        from sklearn.metrics import davies_bouldin_score

        return score_of(davies_bouldin_score, truth, predicted)
