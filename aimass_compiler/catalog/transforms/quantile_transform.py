"""Replace numbers by their rank among the training rows, evenly or normally distributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Any, ClassVar, Literal

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, AtCode, Bucket, Constant, Expression
from aimass_compiler.expression.statistics import Quantiles, Statistic


class QuantileTransform(EachColumn):
    """Replace numbers by their rank among the training rows, evenly or normally distributed.

    Between quantiles it is interpolated linearly; what lies beyond the training rows counts as their end.
    """

    accepts: ClassVar[column_types.Accepted] = (column_types.Number,)
    examples: ClassVar[tuple[Any, ...]] = (
        "charges",
        {"columns": ["tenure", "age"], "to": "normal", "count": 10},
    )

    to: Literal["uniform", "normal"] = "uniform"
    """Whether the training rows become even between 0 and 1, or normal with mean 0 and deviation 1."""
    count: Integer = Field(100, ge=2, le=1000)
    """Into how many parts of equally many training rows the numbers are divided."""

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {"quantiles": Quantiles(column, tuple(part / self.count for part in range(self.count + 1)))}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        shares: dict[float, list[float]] = {}
        for place, value in enumerate(learned["quantiles"]):
            shares.setdefault(value, []).append(place / self.count)
        # A number that many rows have lies in the middle of their shares.
        ranks = [self._rank((found[0] + found[-1]) / 2) for found in shares.values()]
        return _interpolated(column, list(shares), ranks)

    def _rank(self, share: float) -> float:
        if self.to == "uniform":
            return share
        end = 0.5 / self.count  # the normal distribution has no end
        return NormalDist().inv_cdf(min(max(share, end), 1 - end))


def _interpolated(column: Expression, known: Sequence[float], values: Sequence[float]) -> Expression:
    """A value for each of the ascending numbers; linear between them, and constant beyond."""
    if not known:
        return Arithmetic("multiply", column, Constant(float("nan")))
    steps = [
        (high - low) / (right - left) if right - left < float("inf") else 0.0
        for (left, right), (low, high) in zip(pairwise(known), pairwise(values), strict=True)
    ]
    code = Bucket(column, tuple(known))
    passed = Arithmetic("subtract", column, AtCode(code, (known[0], *known)))
    risen = Arithmetic("multiply", passed, AtCode(code, (0.0, *steps, 0.0)))
    return Arithmetic("add", risen, AtCode(code, (values[0], *values)))
