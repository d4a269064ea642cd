"""Some of the training rows, which a transform keeps to look for the nearest among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aimass_compiler.expression.algebra import Pack
from aimass_compiler.expression.neighbors import KnownRows
from aimass_compiler.expression.statistics import Statistic

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.task import Task


class SomeRows(Statistic, frozen=True):
    """Some rows of a `Pack` that lack nothing; the first number is the one that is looked for.

    Of more than `most` rows, those whose numbers have the smallest hashes: whatever the order of the rows,
    the same ones.
    """

    of: Pack
    most: int = 1_000

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        import polars

        from aimass_compiler.expression.polars_lowering import lower

        del values, target
        return [lower(part).cast(polars.Float64).implode() for part in self.of.parts]

    def part(self, found: Sequence[Any]) -> numpy.ndarray:
        import numpy

        matrix = numpy.column_stack([column.to_numpy() for column in found]).astype(numpy.float64)
        return self._some(matrix[numpy.isfinite(matrix).all(axis=1)] + 0.0)  # -0 is 0

    def merge(self, state: numpy.ndarray, later: numpy.ndarray) -> numpy.ndarray:
        import numpy

        return self._some(numpy.concatenate([state, later]))

    def _some(self, matrix: numpy.ndarray) -> numpy.ndarray:
        import numpy

        order = numpy.lexsort((*matrix.T[::-1], _hashes(matrix)))
        found: numpy.ndarray = matrix[order[: self.most]]
        return found

    def finish(self, state: numpy.ndarray, task: Task) -> Any:
        import numpy

        del task
        others = state[:, 1:]
        spread = others.std(axis=0) if len(others) else numpy.ones(others.shape[1])
        factors = 1 / numpy.where(spread > 0, spread, 1.0)
        return KnownRows(
            tuple(state[:, 0].tolist()),
            tuple(tuple(row) for row in others.tolist()),
            tuple(factors.tolist()),
        )


def _hashes(matrix: numpy.ndarray) -> numpy.ndarray:
    """A number for each row that follows from its bits alone: SplitMix64 (Steele et al. 2014)."""
    import numpy

    found = numpy.zeros(len(matrix), numpy.uint64)
    for column in matrix.T:
        with numpy.errstate(over="ignore"):
            mixed = (
                found + numpy.ascontiguousarray(column).view(numpy.uint64) + numpy.uint64(0x9E3779B97F4A7C15)
            )
            mixed = (mixed ^ (mixed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
            found = mixed ^ (mixed >> numpy.uint64(31))
    return found
