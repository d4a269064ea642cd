"""Replace values of a category that few training rows have, and unseen ones, by one value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Constant, Expression, IsMissing, Logical, Lookup, Not, Where
from aimass_compiler.expression.statistics import Frequencies, Statistic


class Rare(EachColumn):
    """Replace values of a category that few training rows have, and unseen ones, by one value."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
    accepts: ClassVar[column_types.Accepted] = (column_types.Category,)
    examples: ClassVar[tuple[Any, ...]] = ("plan", {"columns": ["plan", "region"], "below": 0.2, "as": "few"})

    below: Number = Field(0.01, gt=0, lt=1)
    """A value is rare below this share of the training rows that have one."""
    name: str = Field("other", alias="as", min_length=1)
    """The value that replaces rare ones; what is missing stays missing."""

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {"shares": Frequencies(column)}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        kept = tuple(sorted(value for value, share in learned["shares"] if share >= self.below))
        is_known = Not(IsMissing(Lookup(column, kept)))
        return Where(Logical("or", is_known, IsMissing(column)), column, Constant(self.name))
