"""Keep the rows that a claim is true of, such as `tenure >= 0 and not missing(plan)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.expression.algebra import Column
from aimass_compiler.expression.column_types import CATEGORY, NUMBER
from aimass_compiler.expression.formula import Formula

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.engines import Table


class Keep(CleaningStep):
    """Keep the rows that a claim is true of, such as `tenure >= 0 and not missing(plan)`."""

    short_form: ClassVar[str | None] = "where"

    where: Formula
    """A claim over columns: comparisons joined by `and`, `or`, `not`, and missing(column)."""

    def columns_read(self) -> tuple[str, ...]:
        return self.where.columns

    def keep(self, rows: Table, columns: Sequence[str]) -> Table:
        from aimass_compiler.expression.polars_lowering import lower

        del columns
        schema = rows.schema
        table = {
            name: Column(name, NUMBER if schema[name].is_numeric() else CATEGORY)
            for name in self.columns_read()
        }
        claim = lower(self.where.over(table))
        return rows.filter(lambda block: block.select(kept=claim).to_series())
