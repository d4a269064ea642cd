"""Expressions side by side as one float32 matrix, computed for a block of rows."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from aimass_compiler.expression.polars_lowering import as_matrix, in_levels, present

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy
    import polars

    from aimass_compiler.expression.algebra import Expression

#: Rows of some hundred numbers: column by column, all rows would go through memory once for each of them.
_ROWS_IN_CACHE = 4096


class SideBySide:
    """The columns of a matrix, lowered once for all blocks: that takes as long as many rows."""

    def __init__(self, parts: Sequence[Expression]) -> None:
        self._levels, flat = in_levels(parts)
        self._columns = [present(part).alias(str(place)) for place, part in enumerate(flat)]

    def fill(self, matrix: numpy.ndarray, rows: polars.DataFrame) -> None:
        """Fill [N, F] with numbers, indexes and vectors as `Pack` would, without a copy of them all."""
        lazy = rows.lazy()
        for level in self._levels:
            lazy = lazy.with_columns(level)
        # To begin with a block takes the streaming engine a tenth of the time that all of it takes.
        computed = lazy.select(self._columns).collect(engine="in-memory")
        columns = [as_matrix(column) for column in computed.iter_columns()]
        starts = [*accumulate((column.shape[1] for column in columns), initial=0)]
        for first in range(0, len(matrix), _ROWS_IN_CACHE):
            block = slice(first, first + _ROWS_IN_CACHE)
            for column, (start, end) in zip(columns, pairwise(starts), strict=True):
                matrix[block, start:end] = column[block]
