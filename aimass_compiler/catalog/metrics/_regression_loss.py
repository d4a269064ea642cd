"""What the mean errors of numbers have in common, which scikit-learn measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy


class RegressionLoss(Metric):
    """A mean of how far predictions are from the truth, from 0 on; NaN without rows."""

    task: ClassVar[Literal["classification", "regression"]] = "regression"
    greater_is_better: ClassVar[bool] = False
    highest: ClassVar[float] = float("inf")
    #: The function of `sklearn.metrics` that measures it.
    function: ClassVar[str]

    def options(self, task: Task) -> Mapping[str, Any]:
        """What the function is given beside predictions, truth and weights."""
        del task
        return {}

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        import sklearn.metrics

        if not len(truth):
            return float("nan")
        score = getattr(sklearn.metrics, self.function)
        return float(score(truth, predicted, sample_weight=weights, **self.options(task)))
