"""An isolation forest: rows that few random questions separate from all others are anomalies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from aimass_compiler.catalog.examples import Examples, Matrix, Read
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Integer, Number, Tunable
from aimass_compiler.catalog.task import Task


class IsolationForest(Model):
    """An isolation forest (Liu, Ting and Zhou 2008): rows that few random questions isolate are anomalies."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "anomaly"})
    reads_target: ClassVar[bool] = False
    library: ClassVar[Framework] = SKLEARN
    examples: ClassVar[Read] = Matrix(categorical="dense")
    ignores_scale: ClassVar[bool] = True
    bytes_a_number: ClassVar[float] = 8.0
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    n_estimators: Tunable[Annotated[Integer, Field(ge=1, le=10_000)]] = 100
    """How many trees."""
    max_samples: Tunable[Annotated[Integer, Field(ge=2, le=1_000_000)]] = 256
    """How many training rows a tree is grown on; all, where there are no more."""
    max_features: Tunable[Annotated[Number, Field(gt=0, le=1)]] = 1.0
    """The share of the features that a tree asks about."""

    @property
    def names_found(self) -> tuple[str, ...]:
        return ("normal", "anomaly")

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        import numpy
        from sklearn import ensemble

        from aimass_compiler.catalog.frameworks._isolation import FittedIsolationForest

        del validation, progress
        x = numpy.ascontiguousarray(train.x[:], numpy.float32)
        forest = ensemble.IsolationForest(
            n_estimators=self.n_estimators,
            max_samples=min(self.max_samples, len(x)),  # type: ignore[type-var]  # a value once it is trained
            max_features=self.max_features,
            n_jobs=budget.threads,
            random_state=budget.seed,
        )
        forest.fit(x, sample_weight=train.weights)
        return FittedIsolationForest(forest, task, x.shape[1])
