"""What every cleaning step has: it drops rows before the split and never changes a value."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from aimass_compiler.catalog import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.engines import Table


class CleaningStep(Kind):
    """Rows in, fewer rows out."""

    def columns_read(self) -> tuple[str, ...]:
        """The columns that decide which rows stay."""
        return ()

    def unique_by(self) -> tuple[str, ...]:
        """The columns that no two of the rows that stay share; empty where rows may be alike."""
        return ()

    @abstractmethod
    def keep(self, rows: Table, columns: Sequence[str]) -> Table:
        """The rows that stay, in their order; `columns` are those of the data, in their order."""
