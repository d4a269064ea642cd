"""Shift and scale numbers to mean 0 and standard deviation 1 on the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.catalog.transforms._scale_factor import each_channel, scaled, summaries
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.statistics import Statistic


class Standardize(EachColumn):
    """Shift and scale numbers to mean 0 and standard deviation 1 on the training rows.

    An image is scaled as a whole, a series channel by channel.
    """

    accepts: ClassVar[column_types.Accepted] = (
        column_types.Number,
        column_types.Image,
        column_types.NumberSeries,
    )
    only_scales: ClassVar[bool] = True
    examples: ClassVar[tuple[Any, ...]] = ("photo", "load", {"type": "number"})

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return summaries(column, "mean", "standard_deviation")

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        deviations = each_channel(column, learned, "standard_deviation")
        return scaled(column, each_channel(column, learned, "mean"), deviations)
