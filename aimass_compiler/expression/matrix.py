"""Expressions side by side as one float32 matrix, computed for a block of rows."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from aimass_compiler.expression.polars_lowering import as_matrix, flattened, present

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy
    import polars

    from aimass_compiler.expression.algebra import Expression

#: Rows of some hundred numbers: column by column, all rows would go through memory once for each of them.
_ROWS_IN_CACHE = 4096


def fill(matrix: numpy.ndarray, rows: polars.DataFrame, parts: Sequence[Expression]) -> None:
    """Fill [N, F] with numbers, indexes and vectors as `Pack` would, without a copy of them all between."""
    lazy, flat = flattened(rows.lazy(), parts)
    table = lazy.select(present(part).alias(str(place)) for place, part in enumerate(flat)).collect()
    columns = [as_matrix(column) for column in table.iter_columns()]
    starts = [*accumulate((column.shape[1] for column in columns), initial=0)]
    for first in range(0, len(matrix), _ROWS_IN_CACHE):
        block = slice(first, first + _ROWS_IN_CACHE)
        for column, (start, end) in zip(columns, pairwise(starts), strict=True):
            matrix[block, start:end] = column[block]
