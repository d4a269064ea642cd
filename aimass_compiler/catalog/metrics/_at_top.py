"""Metrics of the rows that are likeliest to be of a class."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from aimass_compiler.catalog.metric import Metric, RankedRows, of_ranks
from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import numpy


class MetricAtTop(Metric):
    """A number of the share of rows that are likeliest to be of a class."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    is_of_positive: ClassVar[bool] = True
    short_form: ClassVar[str | None] = "top"

    top: Number = Field(0.1, gt=0, le=1)
    """The share of the rows that are looked at, the likeliest ones."""

    @abstractmethod
    def of_class(self, ranks: RankedRows) -> float:
        """The metric of one class, by its rows from the likeliest on."""

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        return of_ranks(self.of_class, task, truth, predicted, weights)
