"""Matthews' correlation of the likeliest and the true classes, from -1 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class MatthewsCorrcoef(Metric):
    """Matthews' correlation of the likeliest and the true classes, from -1 to 1."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    is_of_labels: ClassVar[bool] = True
    lowest: ClassVar[float] = -1.0

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        del task
        from sklearn.metrics import matthews_corrcoef

        labels = predicted.argmax(axis=1)
        if len(set(truth.tolist())) < 2 or len(set(labels.tolist())) < 2:  # noqa: PLR2004  # one class correlates with nothing
            return float("nan")
        return float(matthews_corrcoef(truth, labels, sample_weight=weights))
