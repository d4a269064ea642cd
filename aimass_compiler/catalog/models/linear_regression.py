"""A weighted sum of the features, held back by L2 (ridge), L1 (lasso) or both (elastic net)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from aimass_compiler.catalog.model import Budget, Examples, Model, Progress, Trained
from aimass_compiler.catalog.models._scikit_learn import LearntLinear
from aimass_compiler.task import Task
from aimass_compiler.values import Number, Tunable


class LinearRegression(Model):
    """A weighted sum of the features, held back by L2 (ridge), L1 (lasso) or both (elastic net)."""

    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {"regression": ("mean_squared_error",)}
    bytes_a_number: ClassVar[float] = 9.0
    regularization: ClassVar[tuple[str, ...]] = ("l2", "l1")

    l2: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 1.0
    """The weight of the sum of squared coefficients, against the sum of squared errors."""
    l1: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 0.0
    """The weight of the sum of absolute coefficients; it sets many of them to exactly 0."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        import numpy

        del validation, progress
        # A copy of our own, in which the estimators centre without another.
        x, y = numpy.array(train.x, numpy.float64), numpy.asarray(train.y, numpy.float64)
        return LearntLinear(self._estimator(len(y), budget.seed).fit(x, y), task)

    def _estimator(self, rows: int, seed: int) -> Any:
        from sklearn.linear_model import ElasticNet, LinearRegression, Ridge

        l1, l2 = float(cast("float", self.l1)), float(cast("float", self.l2))
        if l1 == 0:
            return Ridge(alpha=l2, copy_X=False) if l2 else LinearRegression(copy_X=False)
        # ElasticNet minimises errors/2n + alpha·ratio·|w| + alpha·(1-ratio)/2·w²; ours is its 2n-fold.
        alpha, ratio = (l1 / 2 + l2) / rows, l1 / 2 / (l1 / 2 + l2)
        return ElasticNet(alpha=alpha, l1_ratio=ratio, max_iter=10_000, random_state=seed, copy_X=False)
