"""Gradient-boosted trees by LightGBM, grown leaf by leaf, missing values taken as such (Ke et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks.lightgbm import LIGHTGBM, train_booster
from aimass_compiler.catalog.loss import GAMMA, PINBALL, POISSON, TWEEDIE
from aimass_compiler.catalog.model import Budget, Progress, Trained
from aimass_compiler.catalog.models._boosted_trees import BoostedTrees
from aimass_compiler.catalog.quantities import Integer, Number, Tunable
from aimass_compiler.catalog.task import Task


class Lightgbm(BoostedTrees):
    """Gradient-boosted trees by LightGBM, grown leaf by leaf; a missing value takes its own branch."""

    library: ClassVar[Framework] = LIGHTGBM
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "classification": ("log_loss",),
        "regression": ("mean_squared_error", "mean_absolute_error", PINBALL, POISSON, GAMMA, TWEEDIE),
    }
    learns_in_steps: ClassVar[bool] = True
    bytes_a_number: ClassVar[float] = 4.0
    regularization: ClassVar[tuple[str, ...]] = ("reg_lambda", "min_child_samples")
    capacity: ClassVar[tuple[str, ...]] = ("num_leaves", "n_estimators")

    num_leaves: Tunable[Annotated[Integer, Field(ge=2, le=131_072)]] = 31
    """How many leaves a tree has at most."""
    max_depth: Tunable[Annotated[Integer, Field(ge=1, le=64)]] | None = None
    """How many questions a tree asks of a row at most; without it, `num_leaves` alone ends it."""
    min_child_samples: Tunable[Annotated[Integer, Field(ge=1, le=100_000)]] = 20
    """How many training rows a leaf has at least."""
    min_split_gain: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 0.0
    """How much a split must lower the loss."""
    subsample: Tunable[Annotated[Number, Field(gt=0, le=1)]] = 1.0
    """The share of rows that each tree sees."""
    colsample_bytree: Tunable[Annotated[Number, Field(gt=0, le=1)]] = 1.0
    """The share of features that each tree sees."""
    reg_lambda: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 0.0
    """The weight of the leaves' squares (L2)."""
    reg_alpha: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 0.0
    """The weight of the leaves' sizes (L1)."""
    tweedie_variance_power: Tunable[Annotated[Number, Field(gt=1, lt=2)]] = 1.5
    """For `mean_tweedie_deviance`: by which power of its mean the variance of the target grows."""
    max_bin: Annotated[Integer, Field(ge=2, le=65_535)] = 255
    """Into how many intervals a feature is cut to find splits."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        loss = budget.loss or self.losses[task.kind][0]
        own = self.model_dump(exclude={"monotone"})
        if directions := self.directions(task, budget):
            own["monotone_constraints"] = directions
        return train_booster(own, loss, task, train, validation, budget, progress)
