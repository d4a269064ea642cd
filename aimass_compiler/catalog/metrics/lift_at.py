"""Lift at the top: how many times as many rows of a class are there as among all rows."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metric import RankedRows
from aimass_compiler.catalog.metrics._at_top import MetricAtTop


class LiftAt(MetricAtTop):
    """Lift at the top: how many times as many rows of a class are there as among all rows."""

    highest: ClassVar[float] = float("inf")

    def of_class(self, ranks: RankedRows) -> float:
        return ranks.gain(self.top) / self.top
