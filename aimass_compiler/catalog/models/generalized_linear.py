"""Numbers from 0 up, by the exponential of a weighted sum of the features (Nelder and Wedderburn 1972)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, cast

from pydantic import Field

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.feature_matrix import FeatureMatrix
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks._scale import Scale
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN, FittedLinear, rows_of
from aimass_compiler.catalog.loss import GAMMA, GAMMA_POWER, POISSON, POISSON_POWER, TWEEDIE
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Integer, Number, Tunable
from aimass_compiler.catalog.task import Task

_POWERS = {POISSON: POISSON_POWER, GAMMA: GAMMA_POWER}

#: How small the gradient is in the end: with a larger one, features far from zero have other coefficients.
_TOLERANCE = 1e-7


class GeneralizedLinear(Model):
    """Counts, rates and amounts, never below zero: the exponential of a weighted sum of the features."""

    library: ClassVar[Framework] = SKLEARN
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {"regression": (POISSON, GAMMA, TWEEDIE)}
    bytes_a_number: ClassVar[float] = 17.0
    regularization: ClassVar[tuple[str, ...]] = ("l2",)

    l2: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 1.0
    """The weight of the sum of squared coefficients, against the summed deviance of target / mean."""
    tweedie_variance_power: Tunable[Annotated[Number, Field(gt=1, lt=2)]] = 1.5
    """For `mean_tweedie_deviance`: by which power of its mean the variance of the target grows."""
    max_iter: Annotated[Integer, Field(ge=1, le=100_000)] = 1000
    """After how many iterations the solver gives up."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        import numpy
        from sklearn.linear_model import TweedieRegressor

        del validation, progress
        loss = budget.loss or self.losses[task.kind][0]
        scale = Scale.of(train.y, loss)
        estimator = TweedieRegressor(
            power=_POWERS.get(loss, cast("float", self.tweedie_variance_power)),
            alpha=cast("float", self.l2) / len(train.y),
            link="log",
            # Newton's steps depend on no feature's unit, but need a matrix of features by features.
            solver="lbfgs" if isinstance(train.x, FeatureMatrix) else "newton-cholesky",
            max_iter=self.max_iter,
            tol=_TOLERANCE,
        )
        estimator.fit(rows_of(train.x, "f8"), scale.scaled(train.y), train.weights)
        estimator.intercept_ += numpy.log(scale.deviation)
        return FittedLinear(estimator, task, log_link=True)
