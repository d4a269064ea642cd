"""Combine columns: every combination of their names or buckets becomes one place of a hashed vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression.algebra import CodeAsString, Expression, Hash, Joined, OneHot
from aimass_compiler.expression.types import ColumnType, vector
from aimass_compiler.values import Integer


class Cross(Transform):
    """Combine columns: every combination of their names or buckets becomes one place of a hashed vector."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
    accepts: ClassVar[frozenset[str]] = frozenset({"category", "index"})
    examples: ClassVar[tuple[Any, ...]] = (
        ["plan", "region"],
        {"columns": ["plan", "age_group"], "size": 11, "as": "group"},
    )
    short_form: ClassVar[str | None] = "columns"

    columns: tuple[str, ...] = Field(min_length=2, max_length=5)
    """The columns, at least two; they stay as they are."""
    size: Integer = Field(1000, ge=2, le=100_000)
    """Places of the vector; combinations that share one cannot be told apart."""
    name: str | None = Field(None, alias="as")
    """Where the result goes; by default the names joined by `_x_`."""

    @property
    def output(self) -> str:
        return self.name or "_x_".join(self.columns)

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {self.output: vector(self.size)}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        parts = tuple(
            CodeAsString(table[name]) if table[name].type.name == "index" else table[name]
            for name in self.columns
        )
        code = Hash(Joined(parts), self.size)
        return {self.output: OneHot(code, tuple(f"{self.output}#{place}" for place in range(self.size)))}
