"""Split by time: learn from the past, validate on what came next, test on the latest rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.expression import column_types
from aimass_compiler.expression.plain_name import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars

    from aimass_compiler.engines import Table


class Time(SharedSplit):
    """Split by time: learn from the past, validate on what came next, test on the latest rows."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Time, column_types.Number)

    column: str
    """The time (or number) column that orders the rows; rows of one timestamp stay together."""

    def columns_read(self) -> tuple[str, ...]:
        return (self.column,)

    def assign(self, rows: Table) -> polars.Series:
        import polars

        from aimass_compiler.catalog.split_shares import by_position

        first = self._times(rows).rank("min").cast(polars.Float64) - 1
        return by_position(first / max(rows.height, 1), self.bounds)

    def folds(self, rows: Table, count: int) -> Iterator[polars.Series]:
        from aimass_compiler.catalog.folds import in_time

        yield from in_time(self._times(rows), count, self.validating)

    def _times(self, rows: Table) -> polars.Series:
        import polars

        from aimass_compiler.expression.timestamp_columns import microseconds

        def times_of(block: polars.DataFrame) -> polars.Series:
            times = values_of(block, self.column)
            return microseconds(times) if times.dtype == polars.String else times

        return rows.select([self.column]).column(times_of)
