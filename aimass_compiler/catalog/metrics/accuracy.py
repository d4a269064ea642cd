"""Accuracy: the share of rows whose likeliest class is the true one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class Accuracy(Metric):
    """Accuracy: the share of rows whose likeliest class is the true one."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    is_of_labels: ClassVar[bool] = True

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        del task
        import numpy

        if not len(truth):
            return float("nan")
        return float(numpy.average(predicted.argmax(axis=1) == truth, weights=weights))
