"""Exact match: the share of rows whose answer has the words of the right one, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.metrics._of_answers import mean_of_answers
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class ExactMatch(Metric):
    """Exact match: the share of rows whose answer is the right one, but for white space."""

    task: ClassVar[Literal["generation"]] = "generation"
    is_of_answers: ClassVar[bool] = True

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        del task
        return mean_of_answers(is_same, truth, predicted, weights)


def is_same(expected: str, answer: str) -> float:
    """1 where both have the same words in the same order, with upper and lower case, else 0."""
    return float(expected.split() == answer.split())
