"""Take single values of a history: what was so many steps before what follows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import NUMBER, ColumnType
from aimass_compiler.expression.histories import Lag


class Lags(Transform):
    """Take single values of a history: the columns `<name>_lag_<lag>`."""

    accepts: ClassVar[column_types.Accepted] = (column_types.PastValues,)
    examples: ClassVar[tuple[Any, ...]] = (
        {"column": "sales", "lags": [1]},
        {"column": "sales", "lags": [1, 2, 8]},
    )
    short_form: ClassVar[str | None] = None

    column: str
    """The target of the forecast, which is its history here; it stays, for other transforms."""
    lags: Annotated[tuple[Annotated[Integer, Field(ge=1, le=10_000)], ...], Field(min_length=1)]
    """How many steps before the first one that is forecast: 1 is the last value that is known."""

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {f"{self.column}_lag_{lag}": NUMBER for lag in self.lags}

    def problem(self, types: Types) -> str | None:
        kind, most = types.get(self.column), max(self.lags)
        if not isinstance(kind, column_types.PastValues) or most <= kind.shape[0]:
            return None
        return (
            f"the lag {most} is beyond the history of {kind.shape[0]} steps; raise `history` of the forecast"
        )

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        return {f"{self.column}_lag_{lag}": Lag(table[self.column], lag) for lag in self.lags}
