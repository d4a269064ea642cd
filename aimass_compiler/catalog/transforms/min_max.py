"""Scale numbers so that the training rows lie between 0 and 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.catalog.transforms._scale_factor import each_channel, scaled, summaries
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.statistics import Statistic


class MinMax(EachColumn):
    """Scale numbers so that the training rows lie between 0 and 1.

    An image is scaled as a whole, a series channel by channel.
    """

    accepts: ClassVar[column_types.Accepted] = (
        column_types.Number,
        column_types.Image,
        column_types.NumberSeries,
    )
    only_scales: ClassVar[bool] = True
    examples: ClassVar[tuple[Any, ...]] = (["photo", "load"], ["tenure", "charges"])

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return summaries(column, "minimum", "maximum")

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        least, most = each_channel(column, learned, "minimum"), each_channel(column, learned, "maximum")
        return scaled(column, least, [high - low for low, high in zip(least, most, strict=True)])
