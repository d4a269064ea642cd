"""Split as a column says: its values are train, validation and test."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.split import Split
from aimass_compiler.expression import column_types
from aimass_compiler.expression.plain_name import values_of

if TYPE_CHECKING:
    import polars

    from aimass_compiler.engines import Table


class Column(Split):
    """Split as a column says: its values are train, validation and test."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Category, column_types.Id)

    column: str
    """The column that names each row's split."""

    def columns_read(self) -> tuple[str, ...]:
        return (self.column,)

    def of_rows(self, rows: polars.DataFrame) -> polars.Series:
        from aimass_compiler.catalog.split_shares import names_type

        named = values_of(rows, self.column)
        known = named.cast(names_type(), strict=False)
        return known.set(known.is_null() & named.is_not_null(), "")

    def assign(self, rows: Table) -> polars.Series:
        return rows.select([self.column]).column(self.of_rows)
