"""Pull numbers that lie too far out back to a bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.transform import DeclaredValues, Doubts, EachColumn, ParameterIssue, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression
from aimass_compiler.expression.statistics import Quantiles, Statistic

Share = Annotated[Number, Field(ge=0, le=1)]


class Clip(EachColumn):
    """Pull numbers that lie too far out back to a bound."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Number,)
    examples: ClassVar[tuple[Any, ...]] = (
        {"columns": "charges", "min": 0, "max": 500},
        {"columns": ["tenure", "charges"], "quantiles": [0.1, 0.9]},
    )
    short_form: ClassVar[str | None] = None

    min: Number | None = None
    """The lower bound."""
    max: Number | None = None
    """The upper bound."""
    quantiles: tuple[Share, Share] | None = None
    """The bounds as shares of the training rows, such as [0.01, 0.99]."""

    @model_validator(mode="after")
    def _has_bounds(self) -> Self:
        given = self.min is not None or self.max is not None
        if given == (self.quantiles is not None):
            raise PydanticCustomError(
                "clip_bounds", "clip needs `quantiles`, or `min` or `max`, and not both"
            )
        lower, upper = self.quantiles or (self.min, self.max)
        if lower is not None and upper is not None and lower >= upper:
            raise PydanticCustomError(
                "clip_order",
                "the lower bound {lower} must be below the upper bound {upper}",
                {"lower": lower, "upper": upper},
            )
        return self

    def doubts(self, declared: Mapping[str, DeclaredValues], types: Types) -> Doubts:
        del types
        for place, name in enumerate(self.columns_read):
            known = declared.get(name, DeclaredValues())
            is_low = known.least is not None and (self.min is None or self.min <= known.least)
            is_high = known.most is not None and (self.max is None or self.max >= known.most)
            if self.quantiles is None and (is_low or self.min is None) and (is_high or self.max is None):
                message = f"`{name}` is never beyond these bounds, so there is nothing to pull back"
                yield ParameterIssue.IDLE, ("columns", place), message

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {"bounds": Quantiles(column, self.quantiles)} if self.quantiles else {}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        lower, upper = learned.get("bounds") or (self.min, self.max)
        if lower is not None:
            column = Arithmetic("maximum", column, Constant(float(lower)))
        if upper is not None:
            column = Arithmetic("minimum", column, Constant(float(upper)))
        return column
