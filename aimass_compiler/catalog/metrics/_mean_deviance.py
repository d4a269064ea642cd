"""Mean Tweedie deviances, which differ by the power that the variance grows with."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.loss import GAMMA_POWER
from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class MeanDeviance(Metric):
    """The mean Tweedie deviance: 1 is Poisson's, 2 gamma's, and between them zeros are possible.

    NaN without rows, and where a prediction or, for gamma, the truth is not above zero.
    """

    task: ClassVar[Literal["classification", "regression"]] = "regression"
    greater_is_better: ClassVar[bool] = False
    highest: ClassVar[float] = float("inf")

    @property
    @abstractmethod
    def variance_power(self) -> float:
        """By which power of its mean the variance of the target grows."""

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        del task
        import numpy
        from sklearn.metrics import mean_tweedie_deviance

        is_possible = truth > 0 if self.variance_power == GAMMA_POWER else truth >= 0
        if not (len(truth) and is_possible.all() and (predicted > 0).all()):
            return float("nan")
        # In single precision, the powers of a number are off by as much as a row counts.
        truth, predicted = (numpy.asarray(values, numpy.float64) for values in (truth, predicted))
        power = self.variance_power
        return float(mean_tweedie_deviance(truth, predicted, sample_weight=weights, power=power))
