"""Replace a category by the share of training rows that have its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import AtCode, Constant, Expression, IsMissing, Lookup, Where
from aimass_compiler.expression.column_types import NUMBER, ColumnType
from aimass_compiler.expression.statistics import Frequencies, Statistic


class FrequencyEncode(EachColumn):
    """Replace a category by the share of training rows that have its value: 0 for unseen and missing ones."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Category,)
    examples: ClassVar[tuple[Any, ...]] = ("plan", {"columns": ["plan", "region"], "limit": 1})
    fills_missing: ClassVar[bool] = True

    limit: Integer = Field(10_000, ge=1, le=1_000_000)
    """How many of the most frequent values have a share; the others count as unseen."""

    def type_after(self, before: ColumnType) -> ColumnType:
        del before
        return NUMBER

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {"shares": Frequencies(column, limit=self.limit)}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        shares = dict(sorted(learned["shares"]))
        code = Lookup(column, tuple(shares))
        return Where(IsMissing(code), Constant(0.0), AtCode(code, tuple(shares.values())))
