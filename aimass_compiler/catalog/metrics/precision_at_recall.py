"""Precision at a recall: the most precision of any threshold whose recall is at least this."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from aimass_compiler.catalog.metric import Metric, RankedRows, of_ranks
from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class PrecisionAtRecall(Metric):
    """Precision at a recall: the most precision of any threshold whose recall is at least this."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    is_of_positive: ClassVar[bool] = True
    short_form: ClassVar[str | None] = "recall"

    recall: Number = Field(0.5, gt=0, le=1)
    """How much recall there must be."""

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        def precision(ranks: RankedRows) -> float:
            recall = ranks.positives[1:] / ranks.positives[-1]
            return float((ranks.positives[1:] / ranks.rows[1:] * (recall >= self.recall)).max())

        return of_ranks(precision, task, truth, predicted, weights)
