"""Shift and scale numbers to mean 0 and standard deviation 1 on the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.catalog.transforms._scaling import factor
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression
from aimass_compiler.expression.statistics import Statistic, Summary


class Standardize(EachColumn):
    """Shift and scale numbers to mean 0 and standard deviation 1 on the training rows."""

    accepts: ClassVar[frozenset[str]] = frozenset({"number", "image"})
    only_scales: ClassVar[bool] = True
    examples: ClassVar[tuple[Any, ...]] = ("photo", {"type": "number"})

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {"mean": Summary(column, "mean"), "deviation": Summary(column, "standard_deviation")}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        shifted = Arithmetic("subtract", column, Constant(learned["mean"]))
        return Arithmetic("multiply", shifted, Constant(factor(learned["deviation"])))
