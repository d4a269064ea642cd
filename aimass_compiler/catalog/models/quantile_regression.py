"""A quantile of a number, by a weighted sum of the features (Koenker and Bassett 1978)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, cast

from pydantic import Field

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks._scale import Scale
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN, FittedLinear, rows_of
from aimass_compiler.catalog.loss import PINBALL
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Number, Tunable
from aimass_compiler.catalog.task import Task


class QuantileRegression(Model):
    """The `quantile` of a number by a weighted sum of the features; for up to some ten thousand rows."""

    library: ClassVar[Framework] = SKLEARN
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {"regression": (PINBALL,)}
    bytes_a_number: ClassVar[float] = 200.0
    regularization: ClassVar[tuple[str, ...]] = ("l1",)

    l1: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 0.0
    """The weight of the sum of absolute coefficients, against the summed pinball loss."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        from sklearn.linear_model import QuantileRegressor

        del validation, budget, progress
        scale = Scale.of(train.y)  # the solver takes what is below 1e-7 for zero
        estimator = QuantileRegressor(
            quantile=task.level, alpha=cast("float", self.l1) / len(train.y), solver="highs"
        )
        estimator.fit(rows_of(train.x, "f8"), scale.scaled(train.y), train.weights)
        estimator.coef_ = estimator.coef_ * scale.deviation
        estimator.intercept_ = estimator.intercept_ * scale.deviation + scale.mean
        return FittedLinear(estimator, task)
