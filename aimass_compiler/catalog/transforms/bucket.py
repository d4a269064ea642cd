"""Replace a number by the interval that it falls into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Integer, Number
from aimass_compiler.catalog.transform import DeclaredValues, Doubts, ParameterIssue, Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Bucket as BucketExpression
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import ColumnType
from aimass_compiler.expression.cuts import Cuts
from aimass_compiler.expression.statistics import Quantiles, Statistic, Summary


class Bucket(Transform):
    """Replace a number by the interval that it falls into."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
    accepts: ClassVar[column_types.Accepted] = (column_types.Number,)
    examples: ClassVar[tuple[Any, ...]] = (
        "age",
        {"column": "age", "count": 3, "as": "cohort"},
        {"column": "age", "bounds": [18, 65]},
        {"column": "charges", "count": 4, "by": "width"},
        {"column": "age", "count": 5, "by": "target"},
    )
    short_form: ClassVar[str | None] = "column"

    column: str
    """The column."""
    count: Integer = Field(10, ge=2, le=256)
    """How many buckets; fewer where many rows have one value."""
    by: Literal["rows", "width", "target"] = "rows"
    """Whether buckets have about as many training rows each, are equally wide between the smallest and the
    largest number, or are what a decision tree cuts this number into to predict the target."""
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
        return {self.name or self.column: column_types.Index(len(self.bounds) + 1 if self.bounds else None)}

    def doubts(self, declared: Mapping[str, DeclaredValues], types: Types) -> Doubts:
        del types
        known = declared.get(self.column, DeclaredValues())
        for key in ("count", "by"):
            if self.bounds and key in self.model_fields_set:
                number = len(self.bounds) + 1
                yield ParameterIssue.IDLE, (key,), f"`bounds` make {number} buckets, whatever `{key}` says"
        for place, bound in enumerate(self.bounds or ()):
            if known.least is not None and bound <= known.least:
                yield ParameterIssue.NEVER, ("bounds", place), f"no `{self.column}` is below {bound:g}"
            elif known.most is not None and bound > known.most:
                yield ParameterIssue.NEVER, ("bounds", place), f"no `{self.column}` is {bound:g} or above"

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        if self.bounds:
            return {}
        column = table[self.column]
        if self.by == "target":
            return {"bounds": Cuts(column, count=self.count)}
        if self.by == "width":
            return {"least": Summary(column, "minimum"), "most": Summary(column, "maximum")}
        return {"bounds": Quantiles(column, tuple(place / self.count for place in range(1, self.count)))}

    def _bounds(self, learned: Mapping[str, Any]) -> tuple[float, ...]:
        if self.bounds:
            return tuple(map(float, self.bounds))
        if "bounds" in learned:
            return tuple(sorted(set(learned["bounds"])))
        width = (learned["most"] - learned["least"]) / self.count
        found = {learned["least"] + place * width for place in range(1, self.count)}
        return tuple(sorted(found)) if 0 < width < float("inf") else ()

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        return {self.name or self.column: BucketExpression(table[self.column], self._bounds(learned))}
