"""Gain at the top: the share of all rows of a class that are among those likeliest to be of it."""

from __future__ import annotations

from aimass_compiler.catalog.metric import RankedRows
from aimass_compiler.catalog.metrics._at_top import MetricAtTop


class GainAt(MetricAtTop):
    """Gain at the top: the share of all rows of a class that are among those likeliest to be of it."""

    def of_class(self, ranks: RankedRows) -> float:
        return ranks.gain(self.top)
