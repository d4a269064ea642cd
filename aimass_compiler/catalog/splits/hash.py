"""Split by a hash of a key: a row keeps its place when rows are added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer, Names
from aimass_compiler.catalog.split import SharedSplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars

    from aimass_compiler.engines import Table


class Hash(SharedSplit):
    """Split by a hash of a key: a row keeps its place when rows are added."""

    key: Names | None = None
    """The columns that identify a row; without them, all columns do."""
    seed: Integer = Field(0, ge=0)
    """Another seed gives another split."""

    def columns_read(self) -> tuple[str, ...]:
        return self.key or ()

    @property
    def is_by_chance(self) -> bool:
        return True

    @property
    def keeps_together(self) -> bool:
        return bool(self.key)

    def of_rows(self, rows: polars.DataFrame) -> polars.Series:
        from aimass_compiler.catalog.split_shares import by_position, hashed_position

        return by_position(hashed_position(rows, list(self.key or rows.columns), self.seed), self.bounds)

    def assign(self, rows: Table) -> polars.Series:
        return rows.select(list(self.key or rows.schema)).column(self.of_rows)

    def folds(self, rows: Table, count: int) -> Iterator[polars.Series]:
        from aimass_compiler.catalog.folds import of_groups
        from aimass_compiler.catalog.split_shares import text_of

        key = list(self.key or rows.schema)
        groups = rows.select(key).column(lambda block: text_of(block, key))
        yield from of_groups(groups, count, self.validating, self.seed)
