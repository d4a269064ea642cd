"""Shift and scale numbers by median and interquartile range, which rows far out do not move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.catalog.transforms._scale_factor import factor
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression
from aimass_compiler.expression.statistics import Quantiles, Statistic


class Robust(EachColumn):
    """Shift and scale numbers by median and interquartile range, which rows far out do not move."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Number,)
    only_scales: ClassVar[bool] = True
    examples: ClassVar[tuple[Any, ...]] = ("charges", ["tenure", "age"])

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {"quartiles": Quantiles(column, (0.25, 0.5, 0.75))}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        first, median, third = learned["quartiles"] or (float("nan"),) * 3
        shifted = Arithmetic("subtract", column, Constant(median))
        return Arithmetic("multiply", shifted, Constant(factor(third - first)))
