"""Silhouette: how much nearer rows are to their own cluster than to the next one (Rousseeuw 1987)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.metrics._of_clusters import score_of
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy

#: Rows that are looked at: each is compared with each.
_MOST_ROWS = 2_000


class Silhouette(Metric):
    """Silhouette: how much nearer rows are to their own cluster than to the next one, of up to 2,000 rows."""

    task: ClassVar[Literal["clustering"]] = "clustering"
    compares_all_rows: ClassVar[bool] = True
    lowest: ClassVar[float] = -1.0

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        del task, weights
        import numpy
        from sklearn.metrics import silhouette_score

        if len(truth) > _MOST_ROWS:
            kept = numpy.sort(numpy.random.default_rng(0).choice(len(truth), _MOST_ROWS, replace=False))
            truth, predicted = truth[kept], predicted[kept]
        return score_of(silhouette_score, truth, predicted)
