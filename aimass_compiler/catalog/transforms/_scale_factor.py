"""How a column is scaled, whatever its training rows hold: a series channel by channel, all else as one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression, Rescaled
from aimass_compiler.expression.column_types import NumberSeries
from aimass_compiler.expression.statistics import Statistic, Summary

Name = Literal["mean", "standard_deviation", "minimum", "maximum"]


def summaries(column: Expression, *names: Name) -> Mapping[str, Statistic]:
    """The statistics to learn of a column: those named, for each channel of a series, which has its unit."""
    return {
        f"{name}{place}": Summary(column, name, channel)
        for name in names
        for place, channel in enumerate(_channels(column))
    }


def each_channel(column: Expression, learned: Mapping[str, Any], name: Name) -> list[float]:
    """The values of one of the summaries: one, or one for each channel of a series."""
    return [float(learned[f"{name}{place}"]) for place, _ in enumerate(_channels(column))]


def scaled(column: Expression, shifts: Sequence[float], widths: Sequence[float]) -> Expression:
    """The column with the shifts subtracted, and then its widths brought to 1."""
    factors = tuple(map(factor, widths))
    if isinstance(column.type, NumberSeries):
        # Without a value in training, nothing is known of a channel: it stays as it is.
        return Rescaled(column, tuple(0.0 if math.isnan(shift) else shift for shift in shifts), factors)
    shifted = Arithmetic("subtract", column, Constant(shifts[0]))
    return Arithmetic("multiply", shifted, Constant(factors[0]))


def _channels(column: Expression) -> list[int | None]:
    return [*range(column.type.shape[1])] if isinstance(column.type, NumberSeries) else [None]


def factor(width: float) -> float:
    """What brings a width to 1; 1 for a column without a width, and for one that a double cannot hold.

    A factor of 0, which an infinite width has, would make all values one without a word.
    A factor, because engines do not divide alike: some multiply many rows by the reciprocal.
    """
    if not 0 < width < math.inf:
        return 1.0
    reciprocal = 1 / width
    return reciprocal if math.isfinite(reciprocal) else 1.0
