"""Replace values of a category by their place in a list: declared, or most frequent first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import DeclaredValues, Doubts, EachColumn, ParameterIssue, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression, Lookup
from aimass_compiler.expression.column_types import ColumnType
from aimass_compiler.expression.statistics import MostFrequent, Statistic


class Ordinal(EachColumn):
    """Replace values of a category by their place in a list: given, or most frequent first."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Category, column_types.Text)
    examples: ClassVar[tuple[Any, ...]] = (
        "plan",
        {"columns": "plan", "values": ["basic", "plus"]},
        {"columns": "note", "limit": 2},
    )

    values: tuple[Annotated[str, Field(min_length=1)], ...] | None = Field(None, min_length=1)
    """The values in their order; by default those of the training rows, most frequent first."""
    limit: Integer | None = Field(None, ge=1)
    """How many of the most frequent values are kept; by default all."""

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        values = self.values or ()
        twice = next((name for place, name in enumerate(values) if name in values[:place]), None)
        if twice is not None:
            raise PydanticCustomError("ordinal_twice", "`{name}` is a duplicate in `values`", {"name": twice})
        return self

    def type_after(self, before: ColumnType) -> ColumnType:
        del before
        return column_types.Index(len(self.values) if self.values else None)

    def doubts(self, declared: Mapping[str, DeclaredValues], types: Types) -> Doubts:
        del types
        for name in self.columns_read if self.values else ():
            known = declared.get(name, DeclaredValues()).values
            for place, value in enumerate(self.values or ()):
                if known is not None and value not in known:
                    yield ParameterIssue.NEVER, ("values", place), f"`{name}` is never `{value}`"
            lacking = [value for value in known or () if value not in (self.values or ())]
            if lacking:
                yield ParameterIssue.LOST, ("values",), f"`{lacking[0]}` of `{name}` has no place in `values`"

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {} if self.values else {"values": MostFrequent(column, limit=self.limit)}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        return Lookup(column, tuple(self.values or learned["values"]))
