"""Split by time: learn from the past, validate on what came next, test on the latest rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.expression.plain_name import values_of

if TYPE_CHECKING:
    import polars


class Time(SharedSplit):
    """Split by time: learn from the past, validate on what came next, test on the latest rows."""

    accepts: ClassVar[frozenset[str]] = frozenset({"time", "number"})

    column: str
    """The time (or number) column that orders the rows; rows of one moment stay together."""

    def columns_read(self) -> tuple[str, ...]:
        return (self.column,)

    def assign(self, rows: polars.DataFrame, target: str) -> polars.Series:
        import polars

        from aimass_compiler.catalog.moments import microseconds
        from aimass_compiler.catalog.splitting import by_position

        del target
        times = values_of(rows, self.column)
        if times.dtype == polars.String:
            times = microseconds(times)
        first = times.rank("min").cast(polars.Float64) - 1
        return by_position(first / max(rows.height, 1), self.bounds)
