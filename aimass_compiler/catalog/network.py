"""What every network has: layers as data, which a framework builds and trains."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from math import prod
from typing import Annotated, Any, ClassVar, Literal, Protocol, get_args

from msgspec import Struct
from pydantic_core import PydanticKnownError, core_schema

from aimass_compiler.catalog import frameworks
from aimass_compiler.catalog.examples import Examples, Matrix, Read
from aimass_compiler.catalog.loss import GAMMA, PINBALL, POISSON
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.task import Task


class _Layer(Struct, frozen=True):
    """A step of a network."""

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of what the layer gives for a row of `shape`."""
        return shape


class Dense(_Layer, frozen=True):
    """Each unit sums all that is before it."""

    units: int

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:-1], self.units)


class Convolution(_Layer, frozen=True):
    """Each channel sums what is around a pixel; width and height stay."""

    channels: int
    kernel: int

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (self.channels, *shape[1:])

    @property
    def padding(self) -> tuple[int, int]:
        """Zeros before and after: an even kernel has no middle, and keeps the size with one more after."""
        return (self.kernel - 1) // 2, self.kernel // 2


class BatchNormalization(_Layer, frozen=True):
    """Each channel to mean 0 and deviation 1 over the batch, then to a learned scale and shift."""

    #: How much a batch moves the mean and the variance that serving uses.
    pace: ClassVar[float] = 0.1
    #: What is added to the variance before its root divides.
    epsilon: ClassVar[float] = 1e-5


class Activation(_Layer, frozen=True):
    """What each unit does with its sum."""

    function: Literal["relu", "gelu", "elu", "tanh"]


class Pooling(_Layer, frozen=True):
    """The largest or the mean of each window, whose sides are `size`."""

    kind: Literal["max", "average"]
    size: tuple[int, int]

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        channels, height, width = shape
        return channels, height // self.size[0], width // self.size[1]


class Dropout(_Layer, frozen=True):
    """Leaves a share of the units out of each step."""

    share: float


class Flatten(_Layer, frozen=True):
    """What is left of an image as one row of numbers, channel by channel."""

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (prod(shape),)


class Embedding(_Layer, frozen=True):
    """A vector for each code of a word, learned with the rest; what is padding is masked behind it."""

    width: int
    deviation: float = 1.0
    """The standard deviation of what the vectors start from."""

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape, self.width)


class Masking(_Layer, frozen=True):
    """Steps of a series of which a number is missing are masked behind it."""


class Positions(_Layer, frozen=True):
    """A vector for each position in a sequence, learned with the rest and added."""

    deviation: float
    """The standard deviation of what the vectors start from."""


class Recurrent(_Layer, frozen=True):
    """A cell that reads a sequence step by step, or two of which one reads it backward, side by side.

    Sources: Hochreiter and Schmidhuber (1997) for `lstm`, Cho et al. (2014) for `gru`.
    """

    cell: Literal["lstm", "gru"]
    units: int
    bidirectional: bool

    @property
    def gates(self) -> int:
        """Rows of its arrays for each unit: input, forget, cell and output, or reset, update and new."""
        return {"lstm": 4, "gru": 3}[self.cell]

    @property
    def directions(self) -> tuple[str, ...]:
        """The names of its cells."""
        return ("onward", "backward") if self.bidirectional else ("onward",)

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0], self.units * len(self.directions))


class EncoderBlock(_Layer, frozen=True):
    """Self-attention of several heads, then two dense layers at each step, the first of `feed_forward` units.

    Each is normalised before and added to what it read: Vaswani et al. (2017), in the order of Xiong et al.
    (2020).
    """

    heads: int
    feed_forward: int
    dropout: float

    def head_size(self, width: int) -> int:
        """How many of `width` numbers each head reads; the last one is filled up."""
        return -(-width // self.heads)

    def weights(self, width: int) -> Mapping[str, tuple[int, ...]]:
        """Of each part that learns, by name and in order, the shape of its weight; each has a bias, too.

        What sums is [outputs, inputs]; what normalises has one number for each of `width`.
        """
        joined = self.heads * self.head_size(width)
        return {
            "before_attention": (width,),
            "asked": (3 * joined, width),
            "answered": (width, joined),
            "dense.0": (width,),
            "dense.1": (self.feed_forward, width),
            "dense.4": (width, self.feed_forward),
        }


class LayerNormalization(_Layer, frozen=True):
    """Each step to mean 0 and deviation 1, then to a learned scale and shift."""

    #: What is added to the variance before its root divides.
    epsilon: ClassVar[float] = 1e-5


class StepPooling(_Layer, frozen=True):
    """The mean or the largest of the steps of a sequence that are not masked."""

    kind: Literal["mean", "max"]

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[1:]


SequenceLayer = Embedding | Masking | Positions | Recurrent | EncoderBlock | LayerNormalization | StepPooling
Layer = Dense | Convolution | BatchNormalization | Activation | Pooling | Dropout | Flatten | SequenceLayer
SEQUENCE_LAYERS = get_args(SequenceLayer)
#: What a step that is not there counts as where the largest is looked for: minus infinity would become NaN.
MASKED = -1e9


class TrainNetwork(Protocol):
    """How a framework trains layers, with the optimizer of the budget."""

    def __call__(
        self,
        layers: Sequence[Layer],
        loss: str,
        task: Task,
        train: Examples,
        validation: Examples,
        budget: Budget,
        progress: Progress,
    ) -> Trained:
        """The network of these layers, with the weights of its best epoch by validation loss."""


class NetworkFramework(frameworks.Framework, frozen=True, kw_only=True):
    """A library that trains networks."""

    train: TrainNetwork


def network_framework(name: str) -> NetworkFramework:
    """The framework of this name, which trains networks.

    Raises LookupError when there is none, or when it trains something else.
    """
    framework = frameworks.framework_named(name)
    if isinstance(framework, NetworkFramework):
        return framework
    raise LookupError(name)


@cache
def network_frameworks() -> tuple[str, ...]:
    """The names of the frameworks that train networks, sorted."""
    every = frameworks.names()
    return tuple(name for name in every if isinstance(frameworks.framework_named(name), NetworkFramework))


class _FrameworkName:
    """Annotates a field that names a framework of networks; only the one that is named is imported."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(str),
            metadata={"pydantic_js_functions": [self._json_schema]},
        )

    def _read(self, value: Any) -> str:
        try:
            network_framework(str(value))
        except LookupError:
            *others, last = (f"'{name}'" for name in network_frameworks())
            raise PydanticKnownError(
                "literal_error", {"expected": f"{', '.join(others)} or {last}"}
            ) from None
        return str(value)

    def _json_schema(self, schema: Any, handler: Any) -> dict[str, Any]:
        del schema, handler
        return {"type": "string", "enum": [*network_frameworks()]}


class Network(Model):
    """Layers that learn together, in epochs."""

    examples: ClassVar[Read] = Matrix(categorical="one_hot")
    learns_in_epochs: ClassVar[bool] = True
    learns_in_steps: ClassVar[bool] = True
    changes_midway: ClassVar[tuple[str, ...] | None] = ("dropout",)
    learns_labels_together: ClassVar[bool] = True
    has_representation: ClassVar[bool] = True
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "classification": ("log_loss",),
        "regression": ("mean_squared_error", "mean_absolute_error", PINBALL, POISSON, GAMMA),
    }

    framework: Annotated[str, _FrameworkName()] = "torch"
    """The library that trains it; what serves needs none."""

    @property
    def trained_by(self) -> NetworkFramework:
        return network_framework(self.framework)

    @abstractmethod
    def architecture(self, shape: tuple[int, ...], outputs: int) -> Iterator[Layer]:
        """The layers from examples of this shape to one logit per class, or to one number."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        layers = tuple(self.architecture(train.x.shape[1:], task.outputs))
        loss = budget.loss or self.losses_for(task)[0]
        return self.trained_by.train(layers, loss, task, train, validation, budget, progress)
