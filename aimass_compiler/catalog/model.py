"""What every model has: the examples that it reads, what trains it and the artifact that it leaves."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, cast

from msgspec import Struct
from pydantic import ValidationInfo, field_validator

from aimass_compiler.catalog import Kind, load
from aimass_compiler.catalog.artifact import Artifact
from aimass_compiler.catalog.artifacts.onnx_graph import OnnxGraph
from aimass_compiler.catalog.examples import Examples, Matrix, Read
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.ranges import checked, largest, raised
from aimass_compiler.catalog.share import Share
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy

    from aimass_compiler.catalog.adapter import Adapter
    from aimass_compiler.catalog.augmentation import Augmentation
    from aimass_compiler.catalog.conversation import Conversation
    from aimass_compiler.catalog.optimizer import Optimizer
    from aimass_compiler.catalog.schedule import Schedule


class Budget(Struct, frozen=True):
    """How much a trial may spend, and where chance starts."""

    epochs: int
    batch_size: int
    patience: int
    """Epochs or rounds without a better validation loss before training ends; 0 never ends it."""
    seed: int
    threads: int
    optimizer: Optimizer
    schedule: Schedule | None = None
    """How the optimizer's learning rate changes; None leaves it as it is."""
    features: tuple[str, ...] = ()
    """What the features of a table are called."""
    gradient_norm: float | None = None
    """The largest L2 norm of all gradients of a step together; longer ones are shortened to it."""
    loss: str | None = None
    """What is minimised, one of the model's `losses`; by default the first that suits the task."""
    accumulation: int = 1
    """How many batches one step of the optimizer sums up."""
    precision: str = "float32"
    """What a language model computes in."""
    gpus: int = 0
    root: Path = Path()
    """The project's root, below which code of the user's is."""
    say: Callable[[str], None] | None = None
    """What lines for people are given to, while it learns."""
    checkpoint: Path | None = None
    """Where what learns in epochs, or over several workers, keeps its state, to go on after a kill."""
    share: Share = Share()
    """Which of the workers that train the model together this process is."""
    augmentation: tuple[Augmentation, ...] = ()
    """What training does with images, one after the other, in each epoch by another chance."""

    def augmented(self, images: numpy.ndarray, epoch: int, start: int, count: int) -> numpy.ndarray:
        """This worker's images of a batch, [N, C, H, W], as an epoch shows them.

        `start` and `count` say which part of the epoch's rows the batch is. Chance depends on them, the seed
        and the epoch alone, so that training repeats itself, after a kill and over several workers too.
        """
        import numpy

        for place, step in enumerate(self.augmentation):
            chance = numpy.random.default_rng((self.seed, epoch, start, place))
            images = step.applied(images, self.share.of_batch(step.drawn(chance, count)))
        return images

    def learning_rate(self, done: float) -> float:
        """The rate of a step whose middle is `done` epochs after the start."""
        share = 1.0 if self.schedule is None else self.schedule.share(done, self.epochs)
        return cast("float", self.optimizer.learning_rate) * share


#: Told after each epoch or block of rounds: the step and its losses. Answers whether to stop.
Progress = Callable[[int, Mapping[str, float]], bool]


class Trained(Protocol):
    """A model that has learned."""

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        """Probabilities [N, K], float32, or predictions [N], float64, by the framework itself."""

    def importance(self) -> numpy.ndarray | None:
        """How much each feature counts, [F], or None where the model cannot tell."""


class Model(Kind):
    """A family of functions that learns from examples."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression"})
    #: What it learns from.
    examples: ClassVar[Read] = Matrix()
    #: Whether NaN stands for a missing value; if not, features must be complete.
    accepts_missing: ClassVar[bool] = False
    #: Whether it learns from the target; if not, a target only judges it.
    reads_target: ClassVar[bool] = True
    #: What it minimises by task, the default first: what `objective.loss` may name. Empty where it learns
    #: otherwise, as a tree does classes by their impurity.
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    #: What may change from one epoch to the next, beside the optimizer; None where nothing may.
    changes_midway: ClassVar[tuple[str, ...] | None] = None
    #: What trains it, where no parameter says.
    library: ClassVar[Framework]
    #: What training leaves, and what serves.
    artifact: ClassVar[Artifact[Any]] = OnnxGraph()
    #: Whether it learns in epochs with an optimizer, so that `training.optimizer` and `epochs` matter.
    learns_in_epochs: ClassVar[bool] = False
    #: Whether it tells how far it is while it learns, so that training can be stopped early.
    learns_in_steps: ClassVar[bool] = False
    #: Whether `training.early_stopping` ends its training; it does with all that learns in steps.
    stops_early: ClassVar[bool] = False
    #: Whether it learns the same from a feature that was shifted and stretched: trees only compare.
    ignores_scale: ClassVar[bool] = False
    #: Whether one training learns several labels, `y` of [N, L]; otherwise each has a model of its own.
    learns_labels_together: ClassVar[bool] = False
    #: How many bytes of memory training takes for each number of the training matrix, as measured, without
    #: the pages of its file; 0 where rows are read in batches.
    bytes_a_number: ClassVar[float] = 0.0
    #: Whether its graph ends with a dense layer, which reads the model's own representation of a row.
    has_representation: ClassVar[bool] = False
    #: Parameters that fight overfitting (raise them) and give capacity (raise them), for retraining.
    regularization: ClassVar[tuple[str, ...]] = ()
    capacity: ClassVar[tuple[str, ...]] = ()

    @field_validator("*")
    @classmethod
    def _range_is_sound(cls, value: Any, field: ValidationInfo) -> Any:
        return checked(value, cls, field.field_name or "")

    @property
    def candidates(self) -> tuple[Model, ...]:
        """Every model that may be trained: this one. Of a `ModelChoice`, several."""
        return (self,)

    @property
    def trained_by(self) -> Framework:
        """The library that trains it."""
        return self.library

    @property
    def takes_missing(self) -> bool:
        """Whether NaN stands for a missing value in its features, as with all of its kind."""
        return self.accepts_missing

    @property
    def names_found(self) -> tuple[str, ...]:
        """What the groups are called that it finds without a target, as many as its ranges allow at most."""
        return ()

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The files and folders of the project that training reads beside the rows, for DVC to watch."""
        return ()

    @property
    def data_files(self) -> tuple[str, ...]:
        """Those of them that are made or fetched as data is, so that git need not have them."""
        return ()

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """The same model with values, by the names of its ranges, in their place."""
        return type(self).model_validate(self.model_dump() | dict(values))

    def resolved(self, task: Task) -> Self:
        """The same model with every default that depends on the task written out."""
        del task
        return self

    def conversation(self, columns: Sequence[str]) -> Conversation | None:
        """How rows with texts in these columns become conversations; None where it reads something else."""
        del columns
        return None

    @property
    def learned(self) -> Adapter | None:
        """What of a base learns; None where it begins with none."""
        return None

    def steps(self, budget: Budget) -> int:
        """How many steps training tells `progress` about at most; 1 where it does not learn in steps."""
        return budget.epochs if self.learns_in_epochs else 1

    def adjusted(self, more: Literal["regularization", "capacity"]) -> Self:
        """The same model with twice the regularization or capacity, as far as the parameters' bounds go.

        A range moves as a whole; what is off (0) starts small; what has no limit (None) stays so.
        """
        written = self.model_dump()
        fields = type(self).model_fields
        names = self.regularization if more == "regularization" else self.capacity
        changes = {name: raised(written[name], largest(fields[name].annotation)) for name in names}
        return type(self).model_validate(written | changes)

    @classmethod
    def suits(cls, task: Task) -> bool:
        """Whether it can learn the task; several labels are learned one by one by what learns two classes."""
        if task.is_multilabel:
            return "classification" in cls.tasks and cls.reads_target and isinstance(cls.artifact, OnnxGraph)
        return task.kind in cls.tasks

    @classmethod
    def losses_for(cls, task: Task) -> tuple[str, ...]:
        """What it minimises for a task, the default first."""
        return cls.losses.get("classification" if task.is_multilabel else task.kind, ())

    @abstractmethod
    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        """Learn from `train`, watch `validation`; every parameter is a value, not a range.

        Where `train.weights` is not None, each row's loss counts so much; so does each of `validation`.
        Calls `progress` with at least `train_loss` and `validation_loss` where it learns in steps.
        """


def model_named(name: str) -> type[Model]:
    """The model that a spec calls so."""
    return cast("type[Model]", load("models", name))
