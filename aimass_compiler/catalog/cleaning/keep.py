"""Keep the rows that a claim is true of, such as `tenure >= 0 and not missing(plan)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.expression.algebra import Column
from aimass_compiler.expression.formula import Formula
from aimass_compiler.expression.types import CATEGORY, NUMBER

if TYPE_CHECKING:
    import polars


class Keep(CleaningStep):
    """Keep the rows that a claim is true of, such as `tenure >= 0 and not missing(plan)`."""

    short_form: ClassVar[str | None] = "where"

    where: Formula
    """A claim over columns: comparisons joined by `and`, `or`, `not`, and missing(column)."""

    def columns_read(self) -> tuple[str, ...]:
        return self.where.columns

    def keep(self, rows: polars.LazyFrame) -> polars.LazyFrame:
        from aimass_compiler.expression.polars_lowering import lower

        schema = rows.collect_schema()
        table = {
            name: Column(name, NUMBER if schema[name].is_numeric() else CATEGORY)
            for name in self.columns_read()
        }
        return rows.filter(lower(self.where.over(table)))
