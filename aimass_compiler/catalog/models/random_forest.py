"""Many trees, each grown on other rows and features, and averaged (Breiman 2001)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from aimass_compiler.catalog.model import Budget, Examples, Model, Progress, Trained
from aimass_compiler.catalog.models._scale import Scale
from aimass_compiler.catalog.models._scikit_learn import LearntEstimator, space_thresholds
from aimass_compiler.task import Task
from aimass_compiler.values import Integer, Number, Tunable


class RandomForest(Model):
    """Many trees, each grown on other rows and features, and averaged (Breiman 2001)."""

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
    max_features: Tunable[Annotated[Number, Field(gt=0, le=1)]] | None = None
    """The share of features that each question chooses from; by default the square root of their number for
    classes, and a third for a number."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        del progress
        kind = RandomForestClassifier if task.is_classification else RandomForestRegressor
        forest = kind(
            n_estimators=self.n_estimators,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features or ("sqrt" if task.is_classification else 1 / 3),
            n_jobs=budget.threads,
            random_state=budget.seed,
        )
        scale = None if task.is_classification else Scale.of(train.y)
        forest.fit(train.x, scale.scaled(train.y) if scale else train.y)
        space_thresholds(forest.estimators_, (train.x, validation.x))
        return LearntEstimator(forest, task, train.x.shape[1], scale)
