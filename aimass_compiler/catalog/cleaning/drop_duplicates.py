"""Keep the first of the rows that are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.catalog.quantities import Names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.engines import Table


class DropDuplicates(CleaningStep):
    """Keep the first of the rows that are alike."""

    short_form: ClassVar[str | None] = "by"

    by: Names | None = None
    """The columns that make rows alike; by default all of them."""

    def columns_read(self) -> tuple[str, ...]:
        return self.by or ()

    def unique_by(self) -> tuple[str, ...]:
        return self.by or ()

    def keep(self, rows: Table, columns: Sequence[str]) -> Table:
        return rows.unique(self.by or columns)
