"""Split as a column says: its values are train, validation and test."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.split import Split
from aimass_compiler.expression.plain_name import values_of

if TYPE_CHECKING:
    import polars


class Column(Split):
    """Split as a column says: its values are train, validation and test."""

    accepts: ClassVar[frozenset[str]] = frozenset({"category", "id"})

    column: str
    """The column that names each row's split."""

    def columns_read(self) -> tuple[str, ...]:
        return (self.column,)

    def assign(self, rows: polars.DataFrame, target: str) -> polars.Series:
        del target
        return values_of(rows, self.column)
