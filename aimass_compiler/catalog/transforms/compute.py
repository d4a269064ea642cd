"""Compute a new number from others, by a formula such as `charges / (tenure + 1)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import AsNumber, Expression
from aimass_compiler.expression.column_types import NUMBER, ColumnType
from aimass_compiler.expression.formula import Formula


class Compute(Transform):
    """Compute a new number from others, by a formula such as `charges / (tenure + 1)`."""

    accepts: ClassVar[column_types.Accepted] = (
        column_types.Number,
        column_types.Category,
        column_types.Index,
    )
    examples: ClassVar[tuple[Any, ...]] = (
        {"name": "monthly", "formula": "charges / (tenure + 1)"},
        {"name": "is_new", "formula": "tenure < 3 and not missing(plan) and age_group != 2"},
        {"name": "constant", "formula": "1"},
    )

    name: str
    """The new column."""
    formula: Formula
    """Numbers, columns, + - * /, comparisons, and, or, not, log(), sqrt(), abs(), floor(), missing()."""

    @property
    def columns_read(self) -> tuple[str, ...]:
        return self.formula.columns

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {self.name: NUMBER}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        result = self.formula.over(table)
        return {self.name: result if result.type == NUMBER else AsNumber(result)}
