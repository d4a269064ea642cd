"""Count the words of a text in hash buckets: no vocabulary to learn, nothing unseen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import CountHashed, Expression, Lower, Words
from aimass_compiler.expression.column_types import ColumnType


class HashText(Transform):
    """Count the words of a text in hash buckets: no vocabulary to learn, nothing unseen."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Text, column_types.Category)
    examples: ClassVar[tuple[Any, ...]] = ("note", {"column": "note", "size": 7})
    short_form: ClassVar[str | None] = "column"

    column: str
    """The column; its words stand between spaces, A to Z count as a to z."""
    size: Integer = Field(64, ge=2, le=65_536)
    """How many buckets."""

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {self.column: column_types.Vector(self.size)}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        return {self.column: CountHashed(Words(Lower(table[self.column])), self.size, self.column)}
