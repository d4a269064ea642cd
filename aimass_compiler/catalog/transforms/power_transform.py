"""Bend numbers so that they are distributed more like the normal distribution (Yeo and Johnson 2000)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, Comparison, Constant, Expression, Function, Where
from aimass_compiler.expression.statistics import Quantiles, Statistic

#: The rows between them are as many; the likelihood is looked at there instead of at every row.
_QUANTILES = 1000
#: Beyond, the exponents bend away all that differs.
_BOUNDS = (-3.0, 5.0)
_NEARLY = 1e-6


class PowerTransform(EachColumn):
    """Bend numbers so that they are distributed more like the normal distribution (Yeo and Johnson 2000).

    The exponent is the likeliest one for a thousand quantiles of the training rows. The result is not scaled:
    `standardize` comes after it.
    """

    accepts: ClassVar[column_types.Accepted] = (column_types.Number,)
    examples: ClassVar[tuple[Any, ...]] = ("charges", {"columns": ["tenure", "age"]})

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        shares = tuple(place / _QUANTILES for place in range(_QUANTILES + 1))
        return {"quantiles": Quantiles(column, shares)}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        exponent = _likeliest(learned["quantiles"])
        above = _power(Arithmetic("add", column, Constant(1.0)), exponent)
        below = _power(Arithmetic("subtract", Constant(1.0), column), 2 - exponent)
        return Where(
            Comparison(">=", column, Constant(0.0)), above, Arithmetic("multiply", below, Constant(-1.0))
        )


def _power(base: Expression, exponent: float) -> Expression:
    """(base ** exponent - 1) / exponent, of which the logarithm is the limit at 0."""
    logarithm = Function("log", base)
    if abs(exponent) < _NEARLY:
        return logarithm
    raised = Function("exponential", Arithmetic("multiply", logarithm, Constant(exponent)))
    return Arithmetic("multiply", Arithmetic("subtract", raised, Constant(1.0)), Constant(1 / exponent))


def _likeliest(values: Sequence[float]) -> float:
    """The exponent; 1, which changes nothing, for numbers that are all one."""
    import numpy
    from scipy import optimize, stats

    if len(set(values)) <= 1:
        return 1.0
    numbers = numpy.asarray(values)

    def unlikelihood(exponent: float) -> float:
        with numpy.errstate(all="ignore"):
            found = -float(stats.yeojohnson_llf(exponent, numbers))
        return found if numpy.isfinite(found) else float(numpy.finfo(numpy.float64).max)

    found = optimize.minimize_scalar(unlikelihood, bounds=_BOUNDS, method="bounded")
    return round(float(found.x), 6)
