"""A weighted sum of the features, held back by L2 (ridge), L1 (lasso) or both (elastic net)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.feature_matrix import FeatureMatrix
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN, FittedLinear, least_squares
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Number, Tunable
from aimass_compiler.catalog.task import Task


class LinearRegression(Model):
    """A weighted sum of the features, held back by L2 (ridge), L1 (lasso) or both (elastic net)."""

    library: ClassVar[Framework] = SKLEARN
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
        if isinstance(train.x, FeatureMatrix):
            return FittedLinear(self._fitted_sparse(train.x, train, budget.seed), task)
        # A copy of our own, in which the estimators centre without another.
        x, y = numpy.array(train.x, numpy.float64), numpy.asarray(train.y, numpy.float64)
        return FittedLinear(self._estimator(len(y), budget.seed).fit(x, y, train.weights), task)

    def _fitted_sparse(self, x: FeatureMatrix, train: Examples, seed: int) -> Any:
        """The estimator, from a sparse matrix whose numbers are centred, so that no square cancels."""
        import numpy

        means = x.numbers.mean(axis=0, dtype=numpy.float64)
        rows, y = x.csr(minus=means), numpy.asarray(train.y, numpy.float64)
        estimator = self._estimator(len(y), seed)
        if self.l1:
            estimator.fit(rows, y, train.weights)
        else:
            estimator.n_features_in_ = rows.shape[1]
            l2 = cast("float", self.l2)
            estimator.coef_, estimator.intercept_ = least_squares(rows, y, l2, train.weights)
        estimator.intercept_ -= means @ estimator.coef_[x.layout.number_places]
        return estimator

    def _estimator(self, rows: int, seed: int) -> Any:
        from sklearn.linear_model import ElasticNet, LinearRegression, Ridge

        l1, l2 = float(cast("float", self.l1)), float(cast("float", self.l2))
        if l1 == 0:
            return Ridge(alpha=l2, copy_X=False) if l2 else LinearRegression(copy_X=False)
        # ElasticNet minimises errors/2n + alpha·ratio·|w| + alpha·(1-ratio)/2·w²; ours is its 2n-fold.
        alpha, ratio = (l1 / 2 + l2) / rows, l1 / 2 / (l1 / 2 + l2)
        return ElasticNet(alpha=alpha, l1_ratio=ratio, max_iter=10_000, random_state=seed, copy_X=False)
