"""How the model is searched and trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.augmentation import Augmentation
from aimass_compiler.catalog.calibration import Method
from aimass_compiler.catalog.metric import MetricName
from aimass_compiler.catalog.optimizer import Optimizer
from aimass_compiler.catalog.optimizers.adam import Adam
from aimass_compiler.catalog.project_code import ProjectFile
from aimass_compiler.catalog.quantities import Bytes, Duration, Frozen, Integer, Memory, Number, is_absent
from aimass_compiler.catalog.schedule import Schedule
from aimass_compiler.catalog.schedules.constant import ConstantRate

#: `balanced`, or the weight of a row by its class; a class that is left out has weight 1.
ClassWeights = (
    Literal["balanced"] | Annotated[Mapping[str, Annotated[Number, Field(gt=0, le=1e6)]], Field(min_length=1)]
)

#: Whose operator runs the training job on a cluster.
JobTarget = Literal["kuberay", "kubeflow"]


class Objective(Frozen):
    """What training minimises and what the search compares."""

    metric: Annotated[str, MetricName()]
    """The metric that chooses between trials, by its name in scikit-learn."""
    loss: str | None = None
    """What the model minimises; by default the task's own (log loss or squared error)."""


class Search(Frozen):
    """How the ranges in the model are searched."""

    trials: Integer = Field(10, ge=1, le=10_000)
    """How many combinations are tried."""
    algorithm: Literal["tpe", "cma_es", "random", "grid"] = "tpe"
    """Who proposes them: Optuna's TPE, its CMA-ES for numbers, chance, or every combination of choices."""
    scheduler: Literal["asha", "hyperband", "median", "pbt", "none"] = "asha"
    """Who stops the trials that fall behind: ASHA, several ASHA that first look earlier and later
    (HyperBand), or the median of the other trials. With `pbt`, population-based training, they go on from
    what the best learned, with other values."""
    concurrency: Integer = Field(2, ge=1, le=1000)
    """How many trials run at once."""
    time: Duration | None = None
    """After this no new trial starts."""
    cost: Number | None = Field(None, gt=0, le=1e9, exclude_if=is_absent)
    """When the trials have cost so much, no new one starts; in the currency of `prices` in aimass.yaml."""
    cost_per_hour: Number | None = Field(None, gt=0, le=1e6, exclude_if=is_absent)
    """What one trial costs in an hour; by default, its cores, memory and GPUs at these `prices`."""
    warm_start: ProjectFile | None = Field(None, exclude_if=is_absent)
    """The trials.json of an earlier search, kept in the project: what it found is where this one begins."""

    @property
    def is_population(self) -> bool:
        """Whether trials take over what others learned."""
        return self.scheduler == "pbt"

    @property
    def trial_seconds(self) -> float | None:
        """For how long trials may run, all together, at this cost; None where that has no limit."""
        if self.cost is None or self.cost_per_hour is None:
            return None
        return 3600 * self.cost / self.cost_per_hour


class TrainingResources(Frozen):
    """What one worker of the training job asks for on a cluster."""

    cpu: Number = Field(1, gt=0, le=1024)
    """Cores of one trial."""
    memory: Memory = Bytes("2Gi")
    """Memory of one worker pod."""


class WorkerRange(Frozen):
    """As many workers as there is room for; one that is lost is replaced, or done without."""

    min: Integer = Field(ge=1, le=1000)
    """With fewer, training waits."""
    max: Integer = Field(ge=1, le=1000)
    """More are never used."""

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        if self.min > self.max:
            raise PydanticCustomError("workers", "`min` is more than `max`: `workers: {min: 1, max: 4}`")
        return self


def _form(value: Any) -> str:
    return "range" if isinstance(value, (Mapping, WorkerRange)) else "number"


class Sampling(Frozen):
    """Which training rows are left out or repeated, so that rare classes are less rare among them."""

    under: Number | None = Field(None, gt=0, le=1)
    """Leave out rows of the frequent classes until the rarest class has this many for each one of theirs."""
    over: Number | None = Field(None, gt=0, le=1)
    """Repeat rows of the rare classes until each has this many for one of the most frequent class."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.under is None) == (self.over is None):
            raise PydanticCustomError("sampling", "`sampling` is either `under` or `over`: `{over: 0.5}`")
        return self


def _is_empty(value: tuple[Augmentation, ...]) -> bool:
    return not value


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
    schedule: Annotated[Schedule, OneOf("schedules")] = Field(default_factory=ConstantRate.default)
    """How the optimizer's learning rate changes while a network learns."""
    gradient_accumulation: Integer | None = Field(None, ge=1, le=65_536, exclude_if=is_absent)
    """How many batches of a language model one step of the optimizer sums up; by default one."""
    precision: Literal["float32", "bf16"] | None = Field(None, exclude_if=is_absent)
    """What a language model computes in: by default float32; bf16 takes half the memory."""
    gradient_norm: Number | None = Field(None, gt=0, le=1e9)
    """The largest L2 norm of all gradients of a step together: longer ones are shortened to it (Pascanu,
    Mikolov and Bengio 2013); without it, none is."""
    workers: Annotated[
        Annotated[Integer, Field(ge=1, le=1000), Tag("number")] | Annotated[WorkerRange, Tag("range")],
        Discriminator(_form),
    ] = 1
    """Processes that train one model together, each from its share of every batch or of the rows: a number,
    or `{min: 1, max: 4}`."""
    gpus: Integer = Field(0, ge=0, le=64)
    """GPUs of one trial; of each worker, where it has several."""
    resources: TrainingResources = Field(default_factory=TrainingResources.default)
    """What one trial needs; of each worker, where it has several."""
    retries: Integer = Field(2, ge=0, le=20)
    """How often a trial that died is tried again."""
    seed: Integer = Field(0, ge=0)
    """Where chance starts."""
    target: JobTarget | None = Field(None, exclude_if=is_absent)
    """Whose training job it is on a cluster: a RayJob of `kuberay`, or a TrainJob of `kubeflow`, Kubeflow
    Trainer; by default as aimass.yaml says."""
    class_weights: ClassWeights | None = Field(None, exclude_if=is_absent)
    """How much the rows of a class count in training: `balanced` makes all classes count alike, `{yes: 5}`
    makes each row of `yes` count as five others."""
    calibration: Method | None = Field(None, exclude_if=is_absent)
    """Calibrate the probabilities on the validation split: `sigmoid` by two parameters, `isotonic` by
    rising steps, for a thousand validation rows and more."""
    augmentation: tuple[Annotated[Augmentation, OneOf("augmentations")], ...] = Field(
        (), exclude_if=_is_empty
    )
    """What is done with training images, in each epoch by another chance, such as `[flip, {rotate: 15}]`."""
    sampling: Sampling | None = Field(None, exclude_if=is_absent)
    """Leave out or repeat training rows; validation and test rows stay as they are."""

    @property
    def worker_range(self) -> tuple[int, int]:
        """How many workers one trial has, at least and at most."""
        if isinstance(self.workers, WorkerRange):
            return self.workers.min, self.workers.max
        return self.workers, self.workers
