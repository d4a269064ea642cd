"""Split by a hash of a key: a row keeps its place when rows are added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.values import Integer, Names

if TYPE_CHECKING:
    import polars


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

    def assign(self, rows: polars.DataFrame, target: str) -> polars.Series:
        from aimass_compiler.catalog.splitting import by_position, hashed_position

        del target
        columns = list(self.key) if self.key else rows.columns
        return by_position(hashed_position(rows, columns, self.seed), self.bounds)
