"""Scale numbers so that the training rows lie between 0 and 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.catalog.transforms._scaling import factor
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression
from aimass_compiler.expression.statistics import Statistic, Summary


class MinMax(EachColumn):
    """Scale numbers so that the training rows lie between 0 and 1."""

    accepts: ClassVar[frozenset[str]] = frozenset({"number", "image"})
    only_scales: ClassVar[bool] = True
    examples: ClassVar[tuple[Any, ...]] = ("photo", ["tenure", "charges"])

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {"minimum": Summary(column, "minimum"), "maximum": Summary(column, "maximum")}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        width = learned["maximum"] - learned["minimum"]
        shifted = Arithmetic("subtract", column, Constant(learned["minimum"]))
        return Arithmetic("multiply", shifted, Constant(factor(width)))
