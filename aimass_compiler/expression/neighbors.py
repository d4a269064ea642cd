"""The mean of a number over the nearest of some known rows, in single operations that engines do alike.

Rows are as far apart as the sum of their squared differences, each number in its own standard deviations.
What a row lacks is left out of the sum, as scikit-learn's `nan_euclidean_distances` does. All rows that are
as near as the k-th nearest one count, so that no order of rows decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import ColumnType

if TYPE_CHECKING:
    import numpy

#: Distances that are computed at once.
_AT_ONCE = 4_000_000


class KnownRows(NamedTuple):
    """Rows without gaps: the number that is looked for [M], the others [M, K], and their factors [K]."""

    values: tuple[float, ...]
    others: tuple[tuple[float, ...], ...]
    factors: tuple[float, ...]


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
