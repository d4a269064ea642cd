"""Leave columns out of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import Columns, Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import ColumnType


class Drop(Transform):
    """Leave columns out of the model."""

    accepts: ClassVar[column_types.Accepted] = (
        column_types.Number,
        column_types.Category,
        column_types.Text,
        column_types.Time,
        column_types.Image,
        column_types.NumberSeries,
        column_types.Sequence,
        column_types.Index,
        column_types.Vector,
    )
    examples: ClassVar[tuple[Any, ...]] = ("charges", ["plan", "photo"], {"type": "number", "but": ["age"]})
    only_removes: ClassVar[bool] = True
    short_form: ClassVar[str | None] = "columns"

    columns: Columns
    """The columns."""

    @classmethod
    def takes_mapping(cls, value: dict[Any, Any]) -> bool:
        return "type" in value

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return dict.fromkeys(self.columns_read)

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del table, learned
        return dict.fromkeys(self.columns_read)
