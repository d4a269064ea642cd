"""Replace a category or a bucket by a vector with a one in its place; unseen values are all zeros."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression, Lookup, OneHot
from aimass_compiler.expression.column_types import ColumnType
from aimass_compiler.expression.statistics import MostFrequent, Statistic


class OneHotEncoding(EachColumn):
    """Replace a category or a bucket by a vector with a one in its place; unseen values are all zeros."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Category, column_types.Index)
    examples: ClassVar[tuple[Any, ...]] = ("plan", {"columns": ["region", "age_group"], "limit": 2})

    limit: Integer = Field(100, ge=1, le=10_000)
    """How many of the most frequent values get a place."""

    def type_after(self, before: ColumnType) -> ColumnType:
        return column_types.Vector(before.codes)

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        is_coded = isinstance(column.type, column_types.Index)
        return {} if is_coded else {"values": MostFrequent(column, limit=self.limit)}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        if isinstance(column.type, column_types.Index):
            return OneHot(column, tuple(f"{name}={code}" for code in range(column.type.codes or 0)))
        terms = tuple(sorted(learned["values"]))
        return OneHot(Lookup(column, terms), tuple(f"{name}={term}" for term in terms))
