"""What features are computed from the last values of a series: operators of the algebra, and their numbers.

`rolling` and `seasonal_lag` compute in float64 what the operators mean, of histories [N, L]. Sums are added
up from the first to the last, as ONNX's CumSum does, so that engines agree exactly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import ColumnType

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Numbers = NDArray[numpy.float64]


class Lag(Expression, frozen=True):
    """The value of a history that many steps before what follows it: 1 is the last one."""

    of: Expression
    lag: int

    @property
    def type(self) -> ColumnType:
        return column_types.NUMBER


class SeasonalLag(Expression, frozen=True):
    """The value of a history that was a whole number of seasons before a step ahead.

    `season` 1 is the latest that is known, 2 the one before it. Missing where the history ends earlier, or
    where the step is none.
    """

    of: Expression
    step: Expression
    season_length: int
    season: int

    @property
    def type(self) -> ColumnType:
        return column_types.NUMBER


class Rolling(Expression, frozen=True):
    """A statistic of the last values of a history; `standard_deviation` is that of all of them (ddof 0)."""

    of: Expression
    window: int
    statistic: Literal["mean", "standard_deviation", "minimum", "maximum"]

    @property
    def type(self) -> ColumnType:
        return column_types.NUMBER


def rolling(histories: Numbers, part: Rolling) -> Numbers:
    """A statistic of the last values, [N]."""
    import numpy

    last = histories[:, -part.window :]
    found: Numbers
    match part.statistic:
        case "minimum":
            found = last.min(axis=1)
        case "maximum":
            found = last.max(axis=1)
        case "mean":
            found = _mean(last)[:, 0]
        case "standard_deviation":
            found = numpy.sqrt(_mean((last - _mean(last)) ** 2))[:, 0]
    return found


def _mean(values: Numbers) -> Numbers:
    import numpy

    sums: Numbers = numpy.cumsum(values, axis=1)[:, -1:]
    means: Numbers = sums * (1 / values.shape[1])
    return means


def seasonal_lag(histories: Numbers, steps: Numbers, part: SeasonalLag) -> Numbers:
    """The values some seasons before each step [N]; NaN where there is none."""
    import numpy

    length, season = histories.shape[1], part.season_length
    ahead = numpy.where(numpy.isfinite(steps), steps, 0.0)
    places = length - part.season * season + (numpy.floor(ahead) - 1) % season
    is_there = (ahead >= 1) & (places >= 0)
    found = histories[numpy.arange(len(histories)), numpy.where(is_there, places, 0).astype(numpy.int64)]
    values: Numbers = numpy.where(is_there, found, math.nan)
    return values
