"""Measure how much time passed since another time or a fixed date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from aimass_compiler import timestamps
from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression
from aimass_compiler.expression.column_types import NUMBER, ColumnType

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800}


class TimeSince(Transform):
    """Measure how much time passed since another time or a fixed date."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
    accepts: ClassVar[column_types.Accepted] = (column_types.Time,)
    examples: ClassVar[tuple[Any, ...]] = (
        {"column": "last_order", "start": "since"},
        {"column": "since", "start": "2020-01-01T00:00:00Z", "unit": "weeks", "as": "age_of_contract"},
    )

    column: str
    """The later time; it stays, for other transforms."""
    start: str
    """The time column that is counted from, or a date in ISO 8601; what comes before it is below 0."""
    unit: Literal["seconds", "minutes", "hours", "days", "weeks"] = "days"
    """What is counted, with fractions; a day has 24 hours."""
    name: str | None = Field(None, alias="as")
    """Where the result goes; by default `<column>_since_<start>`, or `<column>_<unit>` for a fixed date."""

    @property
    def _fixed_date(self) -> float | None:
        """The fixed date, where `start` is one."""
        return timestamps.seconds(self.start)

    @property
    def columns_read(self) -> tuple[str, ...]:
        return (self.column, self.start) if self._fixed_date is None else (self.column,)

    @property
    def output(self) -> str:
        if self.name is not None:
            return self.name
        return f"{self.column}_{self.unit if self._fixed_date is not None else f'since_{self.start}'}"

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {self.output: NUMBER}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        start = table[self.start] if self._fixed_date is None else Constant(self._fixed_date)
        passed = Arithmetic("subtract", table[self.column], start)
        return {self.output: Arithmetic("multiply", passed, Constant(1 / _SECONDS[self.unit]))}
