"""Perplexity: how many tokens the model hesitates between on average, where the right answer goes on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.metric import Metric
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class Perplexity(Metric):
    """Perplexity: e to the mean negative log-probability of the right answers' tokens, each token alike."""

    task: ClassVar[Literal["generation"]] = "generation"
    greater_is_better: ClassVar[bool] = False
    lowest: ClassVar[float] = 1.0
    highest: ClassVar[float] = math.inf

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        """The mean is over tokens, not over rows: the perplexity of a corpus (Jurafsky & Martin, ch. 3)."""
        del task
        import numpy

        if not len(truth):
            return math.nan
        counts = numpy.ones(len(truth)) if weights is None else weights
        tokens = float((counts * predicted["tokens"]).sum())
        return (
            math.exp(-float((counts * predicted["log_probability"]).sum()) / tokens) if tokens else math.nan
        )
