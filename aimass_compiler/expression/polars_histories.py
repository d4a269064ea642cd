"""Operators over histories as polars expressions: lags, seasonal lags and statistics of the last values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy
import polars

from aimass_compiler.expression.histories import Lag, Rolling, SeasonalLag, rolling, seasonal_lag
from aimass_compiler.expression.polars_operators import lower

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def _of_histories(
    values: polars.Expr, number: Callable[[polars.Series], NDArray[numpy.float64]]
) -> polars.Expr:
    """One number a row, computed of the whole column; NaN is a missing one."""

    def batch(column: polars.Series) -> polars.Series:
        return polars.Series(number(column), dtype=polars.Float64).fill_nan(None)

    return values.map_batches(batch, return_dtype=polars.Float64, is_elementwise=True)


def _doubles(column: polars.Series) -> NDArray[numpy.float64]:
    return column.to_numpy().astype(numpy.float64)


@lower.register
def _(expression: Lag) -> polars.Expr:
    return _of_histories(lower(expression.of), lambda history: _doubles(history)[:, -expression.lag])


@lower.register
def _(expression: Rolling) -> polars.Expr:
    return _of_histories(lower(expression.of), lambda history: rolling(_doubles(history), expression))


@lower.register
def _(expression: SeasonalLag) -> polars.Expr:
    both = polars.struct(history=lower(expression.of), step=lower(expression.step).fill_null(math.nan))

    def number(rows: polars.Series) -> NDArray[numpy.float64]:
        history, steps = (_doubles(rows.struct.field(name)) for name in ("history", "step"))
        return seasonal_lag(history, steps, expression)

    return _of_histories(both, number)
