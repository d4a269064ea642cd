"""What forests have in common: many trees of chance, averaged."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks._scale import Scale, learned_targets
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN, FittedEstimator, rows_of, space_thresholds
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Integer, Number, Tunable
from aimass_compiler.catalog.task import Task


class Forest(Model):
    """Many trees of chance, averaged."""

    library: ClassVar[Framework] = SKLEARN
    ignores_scale: ClassVar[bool] = True
    bytes_a_number: ClassVar[float] = 2.0
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {"regression": ("mean_squared_error",)}
    regularization: ClassVar[tuple[str, ...]] = ("min_samples_leaf",)
    capacity: ClassVar[tuple[str, ...]] = ("n_estimators", "max_depth")

    n_estimators: Tunable[Annotated[Integer, Field(ge=1, le=10_000)]] = 200
    """How many trees."""
    max_depth: Tunable[Annotated[Integer, Field(ge=1, le=64)]] | None = None
    """How many questions a tree asks of a row at most; without it, until nothing is left to ask."""
    min_samples_leaf: Tunable[Annotated[Integer, Field(ge=1, le=100_000)]] = 1
    """How many training rows a leaf has at least."""
    max_features: Tunable[Annotated[Number, Field(gt=0, le=1)]] | Literal["sqrt"] | None = None
    """The share of features that each question chooses from; by default the square root of their number for
    classes, `sqrt`, and a third for a number."""

    def resolved(self, task: Task) -> Self:
        if self.max_features is not None:
            return self
        return self.filled(max_features="sqrt" if task.is_classification else 1 / 3)

    @abstractmethod
    def estimator(self, task: Task, **parameters: Any) -> Any:
        """scikit-learn's forest of this kind for the task."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        del progress
        forest = self.estimator(
            task,
            n_estimators=self.n_estimators,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            n_jobs=budget.threads,
            random_state=budget.seed,
        )
        scale = Scale.for_task(task, train.y)
        forest.fit(rows_of(train.x, "f4"), learned_targets(train.y, scale), train.weights)
        space_thresholds(forest.estimators_, (train.x, validation.x))
        return FittedEstimator(forest, task, train.x.shape[1], scale)
