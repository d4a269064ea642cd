"""What metrics of written answers share: a score of each answer against the right one, and its mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

#: How much an answer agrees with the right one, from 0 to 1.
AnswerScore = Callable[[str, str], float]


def mean_of_answers(
    score: AnswerScore, truth: numpy.ndarray, predicted: numpy.ndarray, weights: numpy.ndarray | None
) -> float:
    """The mean score of answers `predicted["answer"]` [N] against the right ones [N]; NaN of no rows."""
    import numpy

    if not len(truth):
        return math.nan
    found = [
        _scored(score, expected, answer) for expected, answer in zip(truth, predicted["answer"], strict=True)
    ]
    return float(numpy.average(found, weights=weights))


@lru_cache(maxsize=100_000)  # a bootstrap asks for the same rows a thousand times
def _scored(score: AnswerScore, expected: str, answer: str) -> float:
    return score(expected, answer)
