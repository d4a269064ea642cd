"""Covariances of numbers: what principal components and linear regressions are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from aimass_compiler.expression.algebra import Pack
from aimass_compiler.expression.statistics import Statistic

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.task import Task


class Covariances(NamedTuple):
    """Of so many rows: the means [K] of K numbers and their covariances [K, K], divided by the rows."""

    rows: int
    means: numpy.ndarray
    covariances: numpy.ndarray

    def and_later(self, others: Covariances) -> Covariances:
        """Of both (Chan, Golub and LeVeque 1983)."""
        import numpy

        rows = self.rows + others.rows
        if not rows:
            return self
        one, two = self.rows / rows, others.rows / rows
        apart = others.means - self.means
        between = one * two * numpy.outer(apart, apart)
        return Covariances(
            rows,
            self.means + apart * two,
            self.covariances * one + others.covariances * two + between,
        )


class Covariance(Statistic, frozen=True):
    """The covariances of numbers, in float64; rows in which one is missing or infinite do not count."""

    of: Pack

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        import polars

        from aimass_compiler.expression.polars_lowering import lower

        del values, target
        return [lower(part).cast(polars.Float64).implode() for part in self.of.parts]

    def part(self, found: Sequence[Any]) -> Covariances:
        import numpy

        matrix = numpy.column_stack([column.to_numpy() for column in found]).astype(numpy.float64)
        whole = matrix[numpy.isfinite(matrix).all(axis=1)]
        width = matrix.shape[1]
        if not len(whole):
            return Covariances(0, numpy.zeros(width), numpy.zeros((width, width)))
        means = whole.mean(axis=0)
        return Covariances(len(whole), means, (whole - means).T @ (whole - means) / len(whole))

    def merge(self, state: Covariances, later: Covariances) -> Covariances:
        return state.and_later(later)

    def finish(self, state: Covariances, task: Task) -> Covariances:
        del task
        return state


class Components(NamedTuple):
    """Directions [C, K] in which numbers vary most, the largest variance first, and the means [K]."""

    means: numpy.ndarray
    directions: numpy.ndarray


class PrincipalComponents(Covariance, frozen=True, kw_only=True):
    """The principal components (Pearson 1901), as scikit-learn's `PCA` finds them.

    Of each direction, the largest number is positive. `components` is how many, or, below 1, as many as
    explain at least this share of the variance; without any variance, it is the first direction.
    """

    components: float

    def finish(self, state: Covariances, task: Task) -> Any:
        import numpy

        del task
        variances, vectors = numpy.linalg.eigh(state.covariances)
        order = numpy.argsort(-variances, kind="stable")
        variances, directions = variances[order].clip(min=0), vectors.T[order]
        largest = numpy.abs(directions).argmax(axis=1)
        directions = directions * numpy.sign(directions[numpy.arange(len(order)), largest])[:, None]
        count = int(self.components)
        if self.components < 1:
            total = variances.sum()
            shares = numpy.cumsum(variances) / total if total else numpy.ones(1)
            # Rounding must not ask for one more.
            count = int(numpy.searchsorted(shares, self.components - 1e-12) + 1)
        return Components(state.means, directions[:count])


class Line(NamedTuple):
    """A linear function of numbers: a constant, one factor for each, and their means."""

    constant: float
    factors: tuple[float, ...]
    means: tuple[float, ...]


class LeastSquares(Covariance, frozen=True):
    """The first number of a `Pack` as a linear function of the others, by least squares.

    Others that are a combination of one another share their weight: the solution of smallest norm.
    """

    def finish(self, state: Covariances, task: Task) -> Any:
        import numpy

        del task
        if not state.rows:
            nothing = (float("nan"),) * (len(state.means) - 1)
            return Line(float("nan"), nothing, nothing)
        spread = numpy.sqrt(numpy.diag(state.covariances))
        scale = numpy.where(spread > 0, spread, 1.0)
        scaled = state.covariances / numpy.outer(scale, scale)
        found = numpy.linalg.lstsq(scaled[1:, 1:], scaled[1:, 0], rcond=1e-10)[0]
        factors = found * scale[0] / scale[1:]
        constant = state.means[0] - float(factors @ state.means[1:])
        return Line(float(constant), tuple(factors.tolist()), tuple(state.means[1:].tolist()))
