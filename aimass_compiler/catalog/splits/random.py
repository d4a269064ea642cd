"""Split at random, each class in the same shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.expression.plain_name import values_of
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

    @property
    def is_by_chance(self) -> bool:
        return True

    @property
    def keeps_together(self) -> bool:
        return False

    def assign(self, rows: polars.DataFrame, target: str) -> polars.Series:
        import polars

        from aimass_compiler.catalog.splitting import by_position, hashed_position

        del target
        # Hashed places instead of a generator's: NumPy may change its streams, MurmurHash3 cannot.
        places = polars.DataFrame({"place": range(rows.height)})
        chance = hashed_position(places, ["place"], self.seed).rank("ordinal")
        groups = values_of(rows, self.stratify).cast(polars.String).fill_null("") if self.stratify else None
        table = polars.DataFrame(
            {"chance": chance, "group": groups if groups is not None else [""] * rows.height}
        )
        position = (polars.col("chance").rank("ordinal").over("group") - 0.5) / polars.len().over("group")
        return by_position(table.select(position=position).to_series(), self.bounds)
