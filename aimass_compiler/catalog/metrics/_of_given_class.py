"""What metrics of the classes that rows are given have in common, which scikit-learn measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class MetricOfGivenClass(Metric):
    """A score of the likeliest classes: of the positive class, or the mean of the classes' own (macro).

    What has no rows to count, such as the recall of a class that does not occur, is NaN, or left out
    of the mean.
    """

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    is_of_positive: ClassVar[bool] = True
    is_of_labels: ClassVar[bool] = True
    #: The function of `sklearn.metrics` that measures it.
    function: ClassVar[str]

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        import numpy
        import sklearn.metrics

        if not len(truth):
            return float("nan")
        value = getattr(sklearn.metrics, self.function)(
            truth, predicted.argmax(axis=1), labels=list(task.judged), average="macro",
            sample_weight=weights, zero_division=numpy.nan,
        )  # fmt: skip
        return float(value)
