"""Scale numbers so that the training rows lie between -1 and 1, and 0 stays 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.catalog.transforms._scale_factor import factor
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression
from aimass_compiler.expression.statistics import Statistic, Summary


class MaxAbs(EachColumn):
    """Scale numbers so that the training rows lie between -1 and 1, and 0 stays 0."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Number, column_types.Image)
    only_scales: ClassVar[bool] = True
    examples: ClassVar[tuple[Any, ...]] = ("photo", ["tenure", "charges"])

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {"minimum": Summary(column, "minimum"), "maximum": Summary(column, "maximum")}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        largest = max(abs(learned["minimum"]), abs(learned["maximum"]))
        return Arithmetic("multiply", column, Constant(factor(largest)))
