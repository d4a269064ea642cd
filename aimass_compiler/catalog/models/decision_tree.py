"""One tree of questions about the features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks._scale import Scale, learned_targets
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN, FittedEstimator, rows_of, space_thresholds
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Integer, Tunable
from aimass_compiler.catalog.task import Task


class DecisionTree(Model):
    """One tree of questions about the features."""

    library: ClassVar[Framework] = SKLEARN
    ignores_scale: ClassVar[bool] = True
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {"regression": ("mean_squared_error",)}
    regularization: ClassVar[tuple[str, ...]] = ("min_samples_leaf",)
    capacity: ClassVar[tuple[str, ...]] = ("max_depth",)

    max_depth: Tunable[Annotated[Integer, Field(ge=1, le=64)]] | None = 6
    """How many questions a tree asks of a row at most; without it, until nothing is left to ask."""
    min_samples_leaf: Tunable[Annotated[Integer, Field(ge=1, le=100_000)]] = 5
    """How many training rows a leaf has at least."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        del progress
        kind = DecisionTreeClassifier if task.is_classification else DecisionTreeRegressor
        tree = kind(
            max_depth=self.max_depth, min_samples_leaf=self.min_samples_leaf, random_state=budget.seed
        )
        scale = Scale.for_task(task, train.y)
        tree.fit(rows_of(train.x, "f4"), learned_targets(train.y, scale), train.weights)
        space_thresholds([tree], (train.x, validation.x))
        return FittedEstimator(tree, task, train.x.shape[1], scale)
