"""Classes by a weighted sum of the features, held back by L2, L1 or both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.feature_matrix import FeatureMatrix
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN, FittedLinear, rows_of
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Integer, Number, Tunable
from aimass_compiler.catalog.task import Task

_SPARSE_TOLERANCE = 1e-6


class LogisticRegression(Model):
    """Classes by a weighted sum of the features, held back by L2, L1 or both."""

    library: ClassVar[Framework] = SKLEARN
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {"classification": ("log_loss",)}
    bytes_a_number: ClassVar[float] = 9.0
    regularization: ClassVar[tuple[str, ...]] = ("l2", "l1")

    l2: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 1.0
    """The weight of half the sum of squared coefficients, against the summed log loss."""
    l1: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 0.0
    """The weight of the sum of absolute coefficients; it sets many of them to exactly 0."""
    max_iter: Annotated[Integer, Field(ge=1, le=100_000)] = 1000
    """After how many iterations the solver gives up."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        del validation, progress
        estimator = self._estimator(budget.seed)
        if self.l1 and isinstance(train.x, FeatureMatrix):
            # On sparse rows `saga` moves the intercept in steps of a hundredth, which look like an end.
            estimator.set_params(tol=_SPARSE_TOLERANCE)
        return FittedLinear(estimator.fit(rows_of(train.x, "f8"), train.y, train.weights), task)

    def _estimator(self, seed: int) -> Any:
        from sklearn.linear_model import LogisticRegression as Estimator

        l1, l2 = float(cast("float", self.l1)), float(cast("float", self.l2))
        total = l1 + l2
        return Estimator(
            C=1 / total if total else float("inf"),
            l1_ratio=l1 / total if total else 0.0,
            solver="saga" if l1 else "lbfgs",
            max_iter=self.max_iter,
            random_state=seed,
        )
