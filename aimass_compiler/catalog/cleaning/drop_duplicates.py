"""Keep the first of the rows that are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.values import Names

if TYPE_CHECKING:
    import polars


class DropDuplicates(CleaningStep):
    """Keep the first of the rows that are alike."""

    short_form: ClassVar[str | None] = "by"

    by: Names | None = None
    """The columns that make rows alike; by default all of them."""

    def columns_read(self) -> tuple[str, ...]:
        return self.by or ()

    def unique_by(self) -> tuple[str, ...]:
        return self.by or ()

    def keep(self, rows: polars.LazyFrame) -> polars.LazyFrame:
        from polars import selectors

        alike = selectors.by_name(*self.by) if self.by else None
        return rows.unique(subset=alike, keep="first", maintain_order=True)
