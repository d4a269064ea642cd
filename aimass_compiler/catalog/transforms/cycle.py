"""Lay numbers that come round again on a circle, so that December lies beside January and 23 beside 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.transform import Columns, Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression, Function
from aimass_compiler.expression.column_types import NUMBER, ColumnType


class Cycle(Transform):
    """Lay numbers that come round again on a circle: the columns `<name>_sin` and `<name>_cos`."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Number,)
    examples: ClassVar[tuple[Any, ...]] = (
        {"columns": ["tenure", "age"], "period": 12},
        {"columns": "charges", "period": 360},
    )
    short_form: ClassVar[str | None] = None

    columns: Columns
    """The columns: one name, a list, or all of a type; they make room for their sine and cosine."""
    period: Number = Field(gt=0)
    """After how much it begins again: 12 for months, 7 for weekdays, 24 for hours, 360 for degrees."""

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        made = {f"{name}_{place}": NUMBER for name in self.columns_read for place in ("sin", "cos")}
        return {**dict.fromkeys(self.columns_read), **made}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        angles = {name: self._angle(table[name]) for name in self.columns_read}
        made: dict[str, Expression | None] = dict.fromkeys(angles)
        for name, angle in angles.items():
            made |= {f"{name}_sin": Function("sine", angle), f"{name}_cos": Function("cosine", angle)}
        return made

    def _angle(self, column: Expression) -> Expression:
        """Between 0 and 2 pi, because engines differ about the sines of large angles."""
        turns = Arithmetic("multiply", column, Constant(1 / self.period))
        part = Arithmetic("subtract", turns, Function("floor", turns))
        return Arithmetic("multiply", part, Constant(2 * math.pi))
