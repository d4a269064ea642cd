"""The mean of a number over the nearest of some known rows, in single operations that engines do alike.

Rows are as far apart as the sum of their squared differences, each number in its own standard deviations.
What a row lacks is left out of the sum, as scikit-learn's `nan_euclidean_distances` does. All rows that are
as near as the k-th nearest one count, so that no order of rows decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression, Pack
from aimass_compiler.expression.column_types import ColumnType
from aimass_compiler.expression.statistics import Statistic

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.task import Task

#: Distances that are computed at once.
_AT_ONCE = 4_000_000


class KnownRows(NamedTuple):
    """Rows without gaps: the number that is looked for [M], the others [M, K], and their factors [K]."""

    values: tuple[float, ...]
    others: tuple[tuple[float, ...], ...]
    factors: tuple[float, ...]


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


class MeanOfNearest(Expression, frozen=True):
    """The mean of a number over the rows nearest to this one; missing where no row is known."""

    numbers: tuple[Expression, ...]
    rows: KnownRows
    count: int

    @property
    def type(self) -> ColumnType:
        return column_types.NUMBER

    @property
    def operands(self) -> tuple[Expression, ...]:
        return self.numbers

    @property
    def nearest(self) -> int:
        """How many rows count at least."""
        return min(self.count, len(self.rows.values))


def mean_of_nearest(matrix: numpy.ndarray, expression: MeanOfNearest) -> numpy.ndarray:
    """The means [N] for numbers [N, K], of which NaN is missing."""
    import numpy

    values = numpy.array(expression.rows.values)
    if not len(values):
        return numpy.full(len(matrix), numpy.nan)
    size = max(1, _AT_ONCE // len(values))
    parts = [
        _means(matrix[start : start + size], values, expression) for start in range(0, len(matrix), size)
    ]
    return numpy.concatenate(parts) if parts else numpy.empty(0)


def _means(matrix: numpy.ndarray, values: numpy.ndarray, expression: MeanOfNearest) -> numpy.ndarray:
    import numpy

    others, factors = numpy.array(expression.rows.others), expression.rows.factors
    distances = numpy.zeros((len(matrix), len(values)))
    with numpy.errstate(over="ignore", invalid="ignore"):
        for column, known, factor in zip(matrix.T, others.T, factors, strict=True):
            apart = (column[:, None] - known) * factor
            distances += numpy.where(numpy.isnan(column)[:, None], 0.0, apart * apart)
    last = expression.nearest - 1
    limits = numpy.partition(distances, last, axis=1)[:, last : last + 1]
    is_near = distances <= limits
    sums = numpy.where(is_near, values, 0.0).cumsum(axis=1)
    found: numpy.ndarray = sums[:, -1] / is_near.sum(axis=1)
    return found
