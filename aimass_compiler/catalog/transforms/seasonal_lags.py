"""Take the values of a history that were whole seasons before the step that is forecast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.forecast import STEP
from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import NUMBER, ColumnType
from aimass_compiler.expression.histories import SeasonalLag


class SeasonalLags(Transform):
    """Take values that were whole seasons before the forecast step: the columns `<name>_season_<count>`.

    For a Friday and a season of 7 days, `<name>_season_1` is the last Friday that is known, however far
    ahead the Friday is.
    """

    accepts: ClassVar[column_types.Accepted] = (column_types.PastValues, column_types.Number)
    examples: ClassVar[tuple[Any, ...]] = (
        {"column": "sales", "season_length": 4},
        {"column": "sales", "season_length": 3, "count": 2},
    )
    short_form: ClassVar[str | None] = None

    column: str
    """The target of the forecast, which is its history here; it stays, for other transforms."""
    season_length: Integer = Field(ge=1, le=10_000)
    """After how many steps the pattern repeats."""
    count: Integer = Field(1, ge=1, le=100)
    """How many seasons back."""

    @property
    def columns_read(self) -> tuple[str, ...]:
        return (self.column, STEP)

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {f"{self.column}_season_{season}": NUMBER for season in range(1, self.count + 1)}

    def problem(self, types: Types) -> str | None:
        kind, most = types.get(self.column), self.count * self.season_length
        if isinstance(kind, column_types.Number):
            return f"`{self.column}` has no history; name the target of a forecast"
        if not isinstance(kind, column_types.PastValues) or most <= kind.shape[0]:
            return None
        return (
            f"{self.count} seasons of {self.season_length} are longer than the history of {kind.shape[0]} "
            "steps; raise `history` of the forecast"
        )

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        history, step = table[self.column], table[STEP]
        return {
            f"{self.column}_season_{season}": SeasonalLag(history, step, self.season_length, season)
            for season in range(1, self.count + 1)
        }
