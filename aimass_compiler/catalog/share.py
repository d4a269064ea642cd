"""Data-parallel training: which rows are a worker's where several processes train one model together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import numpy

    from aimass_compiler.catalog.examples import Examples

#: So many consecutive rows are dealt out at once: reading fewer would still read their neighbours.
_ROWS_AT_ONCE = 1024


class Share(Struct, frozen=True):
    """One of `size` workers, which count from 0; alone, it has everything."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this one writes and reports what all of them found."""
        return self.rank == 0

    def of(self, examples: Examples) -> Examples:
        """Its rows of these, in memory; alone, all of them as they are."""
        return examples if self.size == 1 else examples.at(self.of_rows(len(examples.y)))

    def of_batch(self, batch: numpy.ndarray) -> numpy.ndarray:
        """Its rows of a batch, [B]: every `size`-th; together the workers take the steps that one takes."""
        return batch[self.rank :: self.size]

    def of_rows(self, count: int) -> numpy.ndarray:
        """Its rows of so many, ascending; dealt out in blocks, so that each has some of all times."""
        import numpy

        at_once = max(1, min(_ROWS_AT_ONCE, count // (4 * self.size)))
        places = numpy.arange(count)
        own: numpy.ndarray = places[places // at_once % self.size == self.rank]
        return own
