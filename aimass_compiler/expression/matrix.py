"""Expressions side by side as one float32 matrix, computed for a block of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.expression.polars_lowering import as_matrix, flattened, present

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy
    import polars

    from aimass_compiler.expression.algebra import Expression


def fill(matrix: numpy.ndarray, rows: polars.DataFrame, parts: Sequence[Expression]) -> None:
    """Fill [N, F] with numbers, indexes and vectors as `Pack` would, without a copy of them all between."""
    lazy, flat = flattened(rows.lazy(), parts)
    table = lazy.select(present(part).alias(str(place)) for place, part in enumerate(flat)).collect()
    start = 0
    for part, column in zip(parts, table.iter_columns(), strict=True):
        end = start + (1 if part.type.is_single else len(part.labels))
        matrix[:, start:end] = as_matrix(column)
        start = end
