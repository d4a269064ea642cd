"""R²: the share of the target's variance that the predictions explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class R2(Metric):
    """R²: the share of the target's variance that the predictions explain."""

    task: ClassVar[Literal["classification", "regression"]] = "regression"
    lowest: ClassVar[float] = float("-inf")

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        del task
        from sklearn.metrics import r2_score

        if len(truth) < 2 or truth.min() == truth.max():  # noqa: PLR2004  # no variance to explain
            return float("nan")
        return float(r2_score(truth, predicted, sample_weight=weights))
