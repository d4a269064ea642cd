"""How the model is searched and trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.optimizer import Optimizer
from aimass_compiler.catalog.optimizers.adam import Adam
from aimass_compiler.values import Bytes, Duration, Frozen, Integer, Memory, Number


class Objective(Frozen):
    """What training minimises and what the search compares."""

    metric: str
    """The metric that chooses between trials, by its name in scikit-learn."""
    loss: str | None = None
    """What the model minimises; by default the task's own (log loss or squared error)."""


class Search(Frozen):
    """How the ranges in the model are searched."""

    trials: Integer = Field(10, ge=1, le=10_000)
    """How many combinations are tried."""
    algorithm: Literal["tpe", "random", "grid"] = "tpe"
    """Who proposes them: Optuna's TPE, chance, or every combination of the choices."""
    scheduler: Literal["asha", "none"] = "asha"
    """Who stops the trials that fall behind."""
    concurrency: Integer = Field(2, ge=1, le=1000)
    """How many trials run at once."""
    time: Duration | None = None
    """After this no new trial starts."""


class TrainingResources(Frozen):
    """What one worker of the training job asks for on a cluster."""

    cpu: Number = Field(1, gt=0, le=1024)
    """Cores of one trial."""
    memory: Memory = Bytes("2Gi")
    """Memory of one worker pod."""


class Training(Frozen):
    """How one trial is trained."""

    epochs: Integer = Field(20, ge=1, le=100_000)
    """Passes over the data, for what learns in passes."""
    batch_size: Integer = Field(64, ge=1, le=1_000_000)
    """Rows of one step."""
    early_stopping: Integer = Field(5, ge=0)
    """Passes (or boosting rounds) without a better validation loss before a trial ends; 0 never ends one."""
    optimizer: Annotated[Optimizer, OneOf("optimizers")] = Field(default_factory=Adam.default)
    """Who moves the weights of a network."""
    workers: Integer = Field(1, ge=1, le=1000)
    """Machines of one trial; only 1, until a trial can be shared out among several."""
    gpus: Integer = Field(0, ge=0, le=64)
    """GPUs of one trial."""
    resources: TrainingResources = Field(default_factory=TrainingResources.default)
    """What one trial needs."""
    retries: Integer = Field(2, ge=0, le=20)
    """How often a trial that died is tried again."""
    seed: Integer = Field(0, ge=0)
    """Where chance starts."""
