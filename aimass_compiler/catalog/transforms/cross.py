"""Combine columns: every combination of their values or buckets becomes one place of a hashed vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import CodeAsString, Expression, Hash, Joined, OneHot
from aimass_compiler.expression.column_types import ColumnType


class Cross(Transform):
    """Combine columns: every combination of their values or buckets becomes one place of a hashed vector."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
    accepts: ClassVar[column_types.Accepted] = (column_types.Category, column_types.Index)
    examples: ClassVar[tuple[Any, ...]] = (
        ["plan", "region"],
        {"columns": ["plan", "age_group"], "size": 11, "as": "group"},
    )
    short_form: ClassVar[str | None] = "columns"

    columns: tuple[str, ...] = Field(min_length=2, max_length=5)
    """The columns, at least two; they stay as they are."""
    size: Integer = Field(1000, ge=2, le=100_000)
    """Places of the vector; combinations that share one cannot be determined apart."""
    name: str | None = Field(None, alias="as")
    """Where the result goes; by default the names joined by `_x_`."""

    @property
    def output(self) -> str:
        return self.name or "_x_".join(self.columns)

    def resolved(self, types: Types) -> Self:
        del types
        return self.model_copy(update={"name": self.output})

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {self.output: column_types.Vector(self.size)}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        parts = tuple(
            CodeAsString(table[name]) if isinstance(table[name].type, column_types.Index) else table[name]
            for name in self.columns
        )
        code = Hash(Joined(parts), self.size)
        return {self.output: OneHot(code, tuple(f"{self.output}#{place}" for place in range(self.size)))}
