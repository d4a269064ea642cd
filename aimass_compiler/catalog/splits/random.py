"""Split at random, each class in the same shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.values import Integer

if TYPE_CHECKING:
    import polars


class Random(SharedSplit):
    """Split at random, each class in the same shares."""

    accepts: ClassVar[frozenset[str]] = frozenset({"category"})

    stratify: str | None = None
    """A category column whose values get the same shares in every split; often the target."""
    seed: Integer = Field(0, ge=0)
    """Another seed gives another split."""

    def columns_read(self) -> tuple[str, ...]:
        return (self.stratify,) if self.stratify else ()

    def assign(self, rows: polars.DataFrame, target: str) -> polars.Series:
        import numpy
        import polars

        from aimass_compiler.catalog.splitting import by_position

        del target
        order = numpy.random.Generator(numpy.random.PCG64(self.seed)).permutation(rows.height)
        groups = rows[self.stratify].cast(polars.String) if self.stratify else polars.repeat("", rows.height, eager=True)
        table = polars.DataFrame({"order": order, "group": groups})
        place = (polars.col("order").rank("ordinal").over("group") - 0.5) / polars.len().over("group")
        return by_position(table.select(place=place).to_series().to_numpy(), self.bounds)
