"""Split by group: all rows of a customer, a patient or a device land in the same split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.values import Integer

if TYPE_CHECKING:
    import polars


class Group(SharedSplit):
    """Split by group: all rows of a customer, a patient or a device land in the same split."""

    column: str
    """The column that names the group."""
    seed: Integer = Field(0, ge=0)
    """Another seed gives another split."""

    def columns_read(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def is_by_chance(self) -> bool:
        return True

    def assign(self, rows: polars.DataFrame, target: str) -> polars.Series:
        from aimass_compiler.catalog.splitting import by_position, hashed_position

        del target
        return by_position(hashed_position(rows, [self.column], self.seed), self.bounds)
