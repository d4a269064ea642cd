"""Take a marker such as -999 or "unknown" for a missing value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.transform import EachColumn, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Comparison, Constant, Expression, Where


class MissingAs(EachColumn):
    """Take a marker such as -999 or "unknown" for a missing value, in training and in serving."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Number, column_types.Category, column_types.Text)
    examples: ClassVar[tuple[Any, ...]] = (
        {"columns": ["tenure", "charges"], "values": [0, -1]},
        {"columns": ["plan", "note"], "values": ["basic"]},
    )
    short_form: ClassVar[str | None] = None

    values: tuple[Number | str, ...] = Field(min_length=1, max_length=20)
    """The markers: strings for categories and texts, numbers for columns of numbers."""

    def problem(self, types: Types) -> str | None:
        for name in self.columns_read:
            for value in self.values:
                if types[name].is_string != isinstance(value, str):
                    return f"`{value}` never stands in `{name}`, which is {types[name]}"
        return None

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name, learned
        for value in self.values:
            is_text = isinstance(value, str)
            is_marked = Comparison("==", column, Constant(value if is_text else float(value)))
            column = Where(is_marked, Constant("" if is_text else float("nan")), column)
        return column
