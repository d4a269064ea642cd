"""Drop the rows that lack a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.values import Names

if TYPE_CHECKING:
    import polars


class DropMissing(CleaningStep):
    """Drop the rows that lack a value."""

    short_form: ClassVar[str | None] = "columns"

    columns: Names | None = None
    """The columns that must have a value; by default all of them."""

    def columns_read(self) -> tuple[str, ...]:
        return self.columns or ()

    def keep(self, rows: polars.LazyFrame) -> polars.LazyFrame:
        from polars import selectors

        return rows.drop_nulls(selectors.by_name(*self.columns) if self.columns else None)
