"""Replace a name or a bucket by a vector with a one in its place; unseen names are all zeros."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.expression.algebra import Expression, Lookup, OneHot
from aimass_compiler.expression.statistics import MostFrequent, Statistic
from aimass_compiler.expression.types import ColumnType, vector
from aimass_compiler.values import Integer


class OneHotEncoding(EachColumn):
    """Replace a name or a bucket by a vector with a one in its place; unseen names are all zeros."""

    accepts: ClassVar[frozenset[str]] = frozenset({"category", "index"})
    examples: ClassVar[tuple[Any, ...]] = ("plan", {"columns": ["region", "age_group"], "limit": 2})

    limit: Integer = Field(100, ge=1, le=10_000)
    """How many of the most frequent names get a place."""

    def type_after(self, before: ColumnType) -> ColumnType:
        return vector(before.size)

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {} if column.type.name == "index" else {"values": MostFrequent(column, limit=self.limit)}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        if column.type.name == "index":
            size = column.type.size or 0
            return OneHot(column, tuple(f"{name}={code}" for code in range(size)))
        terms = tuple(sorted(learned["values"]))
        return OneHot(Lookup(column, terms), tuple(f"{name}={term}" for term in terms))
