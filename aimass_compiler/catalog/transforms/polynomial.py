"""Multiply numbers with each other and with themselves, for models that only add."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, ClassVar, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Flag
from aimass_compiler.catalog.transform import Columns, ColumnsOfType, Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, Expression
from aimass_compiler.expression.column_types import NUMBER, ColumnType


class Polynomial(Transform):
    """Multiply numbers with each other (`a_x_b`) and themselves (`a_squared`), for models that only add."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Number,)
    examples: ClassVar[tuple[Any, ...]] = (
        ["tenure", "charges"],
        {"columns": ["tenure", "charges", "age"], "squares": False},
    )
    short_form: ClassVar[str | None] = "columns"

    columns: Columns
    """The columns, which stay as they are: names, or all of a type; scale them first."""
    squares: Flag = True
    """Whether each is multiplied with itself, too."""

    @classmethod
    def takes_mapping(cls, value: dict[Any, Any]) -> bool:
        return "type" in value and "columns" not in value

    @model_validator(mode="after")
    def _makes_something(self) -> Self:
        if not self.squares and not isinstance(self.columns, ColumnsOfType) and len(self.columns) == 1:
            raise PydanticCustomError(
                "polynomial_alone", "without `squares`, `polynomial` needs at least two columns"
            )
        return self

    def _products(self) -> Mapping[str, tuple[str, str]]:
        squares = {f"{name}_squared": (name, name) for name in self.columns_read if self.squares}
        pairs = {f"{one}_x_{other}": (one, other) for one, other in combinations(self.columns_read, 2)}
        return squares | pairs

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return dict.fromkeys(self._products(), NUMBER)

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        return {
            name: Arithmetic("multiply", table[one], table[other])
            for name, (one, other) in self._products().items()
        }
