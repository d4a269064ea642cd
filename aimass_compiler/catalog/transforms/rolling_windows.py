"""Summarise the last values of a history: their mean, deviation, least and largest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types, histories
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import NUMBER, ColumnType

Statistic = Literal["mean", "standard_deviation", "minimum", "maximum"]


class RollingWindows(Transform):
    """Summarise the last values of a history: the columns `<name>_<statistic>_<window>`."""

    accepts: ClassVar[column_types.Accepted] = (column_types.PastValues,)
    examples: ClassVar[tuple[Any, ...]] = (
        {"column": "sales", "windows": [4]},
        {"column": "sales", "windows": [2, 8], "statistics": ["standard_deviation", "minimum", "maximum"]},
    )
    short_form: ClassVar[str | None] = None

    column: str
    """The target of the forecast, which is its history here; it stays, for other transforms."""
    windows: Annotated[tuple[Annotated[Integer, Field(ge=2, le=10_000)], ...], Field(min_length=1)]
    """How many of the last values are summarised, once for each of these."""
    statistics: Annotated[tuple[Statistic, ...], Field(min_length=1)] = ("mean",)
    """What is computed of them."""

    def _named(self) -> Iterator[tuple[str, int, Statistic]]:
        for window in self.windows:
            for statistic in self.statistics:
                yield f"{self.column}_{statistic}_{window}", window, statistic

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {name: NUMBER for name, _, _ in self._named()}

    def problem(self, types: Types) -> str | None:
        kind, most = types.get(self.column), max(self.windows)
        if not isinstance(kind, column_types.PastValues) or most <= kind.shape[0]:
            return None
        return (
            f"the window {most} is longer than the history of {kind.shape[0]} steps; "
            "raise `history` of the forecast"
        )

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        history = table[self.column]
        return {
            name: histories.Rolling(history, window, statistic) for name, window, statistic in self._named()
        }
