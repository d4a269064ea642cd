"""What every metric has: the task it judges, its direction, and scikit-learn's own function."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from aimass_compiler.catalog import Kind, load, name_of, names
from aimass_compiler.task import Task

if TYPE_CHECKING:
    import numpy


class Metric(Kind):
    """A number that judges predictions."""

    task: ClassVar[Literal["classification", "regression"]]
    greater_is_better: ClassVar[bool] = True
    #: Whether it is another number for each of two classes, as the recall of `yes` is not that of `no`.
    is_of_positive: ClassVar[bool] = False
    #: Whether it looks at the likeliest class alone, and not at how likely it is.
    is_of_labels: ClassVar[bool] = False
    #: Between which values it lies.
    lowest: ClassVar[float] = 0.0
    highest: ClassVar[float] = 1.0

    @abstractmethod
    def measure(self, task: Task, truth: numpy.ndarray, predicted: numpy.ndarray) -> float:
        """The metric of predictions ([N, K] probabilities or [N] numbers) against the truth ([N]).

        NaN where it is not defined, such as roc_auc of a slice with one class.
        """

    @classmethod
    def title(cls, task: Task) -> str:
        """Its name for people, with the class that it is of: `recall of yes`."""
        is_of_one = cls.is_of_positive and task.is_binary
        return f"{name_of(cls)} of {task.positive}" if is_of_one else name_of(cls)


def metric_title(name: str, task: Task) -> str:
    """A metric's name for people, with the class that it is of; one that there is not as it is written."""
    if name not in names("metrics"):
        return name
    return cast("type[Metric]", load("metrics", name)).title(task)


def of_labels(
    score: Callable[..., float], task: Task, truth: numpy.ndarray, predicted: numpy.ndarray
) -> float:
    """A score of the likeliest classes: of the positive class, or the mean of the classes' own (macro).

    What has no rows to count, such as the recall of a class that does not occur, is NaN, or left out
    of the mean.
    """
    import numpy

    if not len(truth):
        return float("nan")
    value = score(
        truth, predicted.argmax(axis=1), labels=list(task.judged), average="macro", zero_division=numpy.nan
    )
    return float(value)


def one_against_rest(
    score: Callable[..., float], task: Task, truth: numpy.ndarray, predicted: numpy.ndarray
) -> float:
    """A ranking score of the positive class, or the mean over classes of each one against the rest.

    Only classes that some rows have and others have not can be ranked; without one, NaN.
    """
    scores = [
        score(truth == number, predicted[:, number])
        for number in task.judged
        if 0 < int((truth == number).sum()) < len(truth)
    ]
    return float(sum(scores) / len(scores)) if scores else float("nan")
