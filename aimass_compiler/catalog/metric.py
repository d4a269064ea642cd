"""What every metric has: the task it judges, its direction, and scikit-learn's own function."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog import Kind
from aimass_compiler.task import Task

if TYPE_CHECKING:
    import numpy


class Metric(Kind):
    """A number that judges predictions."""

    task: ClassVar[Literal["classification", "regression"]]
    greater_is_better: ClassVar[bool] = True
    #: Whether it is only defined for two classes.
    binary_only: ClassVar[bool] = False

    @abstractmethod
    def measure(self, task: Task, truth: numpy.ndarray, predicted: numpy.ndarray) -> float:
        """The metric of predictions ([N, K] probabilities or [N] numbers) against the truth ([N]).

        NaN where it is not defined, such as roc_auc of a slice with one class.
        """
