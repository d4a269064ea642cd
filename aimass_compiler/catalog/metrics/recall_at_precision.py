"""Recall at a precision: the most recall of any threshold whose precision is at least this."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from aimass_compiler.catalog.metric import Metric, RankedRows, of_ranks
from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class RecallAtPrecision(Metric):
    """Recall at a precision: the most recall of any threshold whose precision is at least this."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    is_of_positive: ClassVar[bool] = True
    short_form: ClassVar[str | None] = "precision"

    precision: Number = Field(0.9, gt=0, le=1)
    """How much precision there must be."""

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        def recall(ranks: RankedRows) -> float:
            precision = ranks.positives[1:] / ranks.rows[1:]
            return float((ranks.positives[1:] * (precision >= self.precision)).max() / ranks.positives[-1])

        return of_ranks(recall, task, truth, predicted, weights)
