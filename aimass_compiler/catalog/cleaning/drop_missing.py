"""Drop the rows that lack a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.catalog.quantities import Names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.engines import Table


class DropMissing(CleaningStep):
    """Drop the rows that lack a value."""

    short_form: ClassVar[str | None] = "columns"

    columns: Names | None = None
    """The columns that must have a value; by default all of them."""

    def columns_read(self) -> tuple[str, ...]:
        return self.columns or ()

    def keep(self, rows: Table, columns: Sequence[str]) -> Table:
        from polars import all_horizontal, selectors

        are_there = all_horizontal(selectors.by_name(*(self.columns or columns)).as_expr().is_not_null())
        return rows.filter(lambda block: block.select(kept=are_there).to_series())
