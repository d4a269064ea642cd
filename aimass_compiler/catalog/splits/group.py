"""Split by group: all rows of a customer, a patient or a device land in the same split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.split import SharedSplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars

    from aimass_compiler.engines import Table


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

    def of_rows(self, rows: polars.DataFrame) -> polars.Series:
        from aimass_compiler.catalog.split_shares import by_position, hashed_position

        return by_position(hashed_position(rows, [self.column], self.seed), self.bounds)

    def assign(self, rows: Table) -> polars.Series:
        return rows.select([self.column]).column(self.of_rows)

    def folds(self, rows: Table, count: int) -> Iterator[polars.Series]:
        from aimass_compiler.catalog.folds import of_groups
        from aimass_compiler.catalog.split_shares import text_of

        key = [self.column]
        groups = rows.select(key).column(lambda block: text_of(block, key))
        yield from of_groups(groups, count, self.validating, self.seed)
