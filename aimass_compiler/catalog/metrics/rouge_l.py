"""ROUGE-L: how much of the right answer's words stand in the answer, in their order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.metrics._of_answers import mean_of_answers
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy

_WORD = re.compile(r"\w+")


class RougeL(Metric):
    """ROUGE-L: the F-measure of the longest common subsequence of words, the mean over rows."""

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
        return mean_of_answers(rouge_l, truth, predicted, weights)


def rouge_l(expected: str, answer: str) -> float:
    """The F-measure of two texts, recall and precision counting alike (β = 1), over the whole texts.

    Words are letters and digits of any script, in lower case and without stemming. Source: Lin (2004), ROUGE:
    a package for automatic evaluation of summaries, equations 2 to 4: https://aclanthology.org/W04-1013
    """
    from rapidfuzz.distance import LCSseq

    wanted, given = (_WORD.findall(text.lower()) for text in (expected, answer))
    if not wanted or not given:
        return float(wanted == given)
    common = LCSseq.similarity(wanted, given)
    return 2 * common / (len(wanted) + len(given))
