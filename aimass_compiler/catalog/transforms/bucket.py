"""Replace a number by the interval that it falls into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.transform import Declared, Doubt, Doubts, Table, Transform, Types
from aimass_compiler.expression.algebra import Bucket as BucketExpression
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.statistics import Quantiles, Statistic
from aimass_compiler.expression.types import ColumnType, index
from aimass_compiler.values import Integer, Number


class Bucket(Transform):
    """Replace a number by the interval that it falls into."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
    accepts: ClassVar[frozenset[str]] = frozenset({"number"})
    examples: ClassVar[tuple[Any, ...]] = (
        "age",
        {"column": "age", "count": 3, "as": "cohort"},
        {"column": "age", "bounds": [18, 65]},
    )
    short_form: ClassVar[str | None] = "column"

    column: str
    """The column."""
    count: Integer = Field(10, ge=2, le=256)
    """How many buckets, each with about as many training rows; fewer where many rows have one value."""
    bounds: tuple[Number, ...] | None = Field(None, min_length=1, max_length=255)
    """The bounds between the buckets instead, ascending; a value on a bound goes up."""
    name: str | None = Field(None, alias="as")
    """Where the result goes; by default in the column's own place."""

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.bounds and any(
            later <= earlier for earlier, later in zip(self.bounds, self.bounds[1:], strict=False)
        ):
            raise PydanticCustomError("bounds_order", "`bounds` must ascend")
        return self

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {self.name or self.column: index(len(self.bounds) + 1 if self.bounds else None)}

    def doubts(self, declared: Mapping[str, Declared], types: Types) -> Doubts:
        del types
        known = declared.get(self.column, Declared())
        if self.bounds and "count" in self.model_fields_set:
            number = len(self.bounds) + 1
            yield Doubt.IDLE, ("count",), f"`bounds` make {number} buckets, whatever `count` says"
        for place, bound in enumerate(self.bounds or ()):
            if known.least is not None and bound <= known.least:
                yield Doubt.NEVER, ("bounds", place), f"no `{self.column}` is below {bound:g}"
            elif known.most is not None and bound > known.most:
                yield Doubt.NEVER, ("bounds", place), f"no `{self.column}` is {bound:g} or above"

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        if self.bounds:
            return {}
        shares = tuple(number / self.count for number in range(1, self.count))
        return {"bounds": Quantiles(table[self.column], shares)}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        bounds = tuple(float(bound) for bound in self.bounds or sorted(set(learned["bounds"])))
        return {self.name or self.column: BucketExpression(table[self.column], bounds)}
