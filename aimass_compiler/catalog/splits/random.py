"""Split at random, each class in the same shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.expression import column_types
from aimass_compiler.expression.plain_name import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars

    from aimass_compiler.engines import Table


class Random(SharedSplit):
    """Split at random, each class in the same shares."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Category,)

    stratify: str | None = None
    """A category column whose values get the same shares in every split; often the target."""
    seed: Integer = Field(0, ge=0)
    """Another seed gives another split."""

    def columns_read(self) -> tuple[str, ...]:
        return (self.stratify,) if self.stratify else ()

    @property
    def is_by_chance(self) -> bool:
        return True

    @property
    def keeps_together(self) -> bool:
        return False

    def assign(self, rows: Table) -> polars.Series:
        import polars

        from aimass_compiler.catalog.split_shares import by_position, hashed_position

        # Hashed places instead of a generator's: NumPy may change its streams, MurmurHash3 cannot.
        places = polars.DataFrame({"place": range(rows.height)})
        chance = hashed_position(places, ["place"], self.seed).rank("ordinal")
        table = polars.DataFrame({"chance": chance, "group": self._groups(rows)})
        position = (polars.col("chance").rank("ordinal").over("group") - 0.5) / polars.len().over("group")
        return by_position(table.select(position=position).to_series(), self.bounds)

    def _groups(self, rows: Table) -> polars.Series:
        import polars

        name = self.stratify
        if name is None:
            return polars.repeat("", rows.height, eager=True)
        groups = rows.select([name])
        return groups.column(lambda block: values_of(block, name).cast(polars.String).fill_null(""))

    def folds(self, rows: Table, count: int) -> Iterator[polars.Series]:
        from aimass_compiler.catalog.folds import in_shares

        yield from in_shares(self._groups(rows), count, self.validating, self.seed)
