"""Precision at the top: the share of a class's rows among those that are likeliest to be of it."""

from __future__ import annotations

from aimass_compiler.catalog.metric import RankedRows
from aimass_compiler.catalog.metrics._at_top import MetricAtTop


class PrecisionAt(MetricAtTop):
    """Precision at the top: the share of a class's rows among those that are likeliest to be of it."""

    def of_class(self, ranks: RankedRows) -> float:
        return ranks.gain(self.top) * ranks.base / self.top
