"""The mean over the nearest rows as a polars expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy
import polars

from aimass_compiler.expression.neighbors import MeanOfNearest, mean_of_nearest
from aimass_compiler.expression.polars_operators import lower

if TYPE_CHECKING:
    from collections.abc import Iterator


@lower.register
def _(expression: MeanOfNearest) -> polars.Expr:
    numbers = [lower(number).alias(f"number{place}") for place, number in enumerate(expression.numbers)]

    def batch(rows: polars.Series) -> polars.Series:
        matrix = numpy.column_stack(list(_doubles(rows)))
        return polars.Series(mean_of_nearest(matrix, expression), dtype=polars.Float64).fill_nan(None)

    return polars.struct(numbers).map_batches(batch, return_dtype=polars.Float64, is_elementwise=True)


def _doubles(rows: polars.Series) -> Iterator[numpy.ndarray]:
    """Each number of the rows, in double; NaN is a missing one."""
    for number in rows.struct.unnest().iter_columns():
        yield number.cast(polars.Float64).fill_null(float("nan")).to_numpy()
