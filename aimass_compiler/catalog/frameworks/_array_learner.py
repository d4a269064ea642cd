"""Networks of a framework that is asked for steps and losses only: epochs, checkpoints and export."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from msgspec import Struct

from aimass_compiler.catalog.frameworks._epochs import ROWS_AT_ONCE, EpochLog, best_weights, parts, shuffled
from aimass_compiler.catalog.frameworks._parameters import Parameters, first_parameters
from aimass_compiler.catalog.frameworks._scale import Scale, targets
from aimass_compiler.catalog.loss import LOG_LINK

if TYPE_CHECKING:
    import numpy
    import onnx

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.model import Budget, Progress
    from aimass_compiler.catalog.network import Layer
    from aimass_compiler.catalog.task import Task


class Batch(NamedTuple):
    """Some rows of a split."""

    x: numpy.ndarray
    """Features, float32 [N, …]."""
    truth: numpy.ndarray
    """Classes int64, or scaled targets float32, [N], or labels float32 [N, L]."""
    weights: numpy.ndarray
    """How much each row counts, float32 [N]."""


class TrainableNetwork(Protocol):
    """A network of some framework, with what its optimizer remembers."""

    def begin(self, seed: int) -> None:
        """Draw what an epoch leaves out from this seed on."""

    def step(self, batch: Batch, rate: float, number: int) -> float:
        """Learn from a batch, the step of this number from 1; the loss before it, as `loss` gives it.

        The gradient is that of the loss by the number of rows, not by their weights.
        """

    def loss(self, batch: Batch) -> float:
        """The losses of the rows, each times its weight, added up; without learning."""

    def weights(self) -> list[numpy.ndarray]:
        """Copies of all that the layers learned, in an order of the framework's own."""

    def set_weights(self, weights: list[numpy.ndarray]) -> None:
        """Take over what `weights` gave."""

    def memory(self) -> list[numpy.ndarray]:
        """Copies of what the optimizer remembers."""

    def set_memory(self, memory: list[numpy.ndarray]) -> None:
        """Take over what `memory` gave."""

    def parameters(self) -> Parameters:
        """What the layers learned, in the layout of all frameworks."""


class BuildNetwork(Protocol):
    """How a framework makes layers and their first parameters into a network that learns."""

    def __call__(
        self,
        layers: Sequence[Layer],
        first: Parameters,
        shape: tuple[int, ...],
        loss: str,
        task: Task,
        budget: Budget,
    ) -> TrainableNetwork:
        """A network that reads rows of `shape`, with a fresh optimizer."""


class BuildPredictor(Protocol):
    """How a framework makes layers and what they learned into a function of rows."""

    def __call__(
        self, layers: Sequence[Layer], parameters: Parameters, shape: tuple[int, ...], task: Task
    ) -> Callable[[numpy.ndarray], numpy.ndarray]:
        """From rows to probabilities [N, K] or scaled numbers [N]."""


class LayerTrainer(Struct, frozen=True):
    """A `TrainNetwork` of what a framework answers for itself: how it builds, steps and predicts."""

    build_network: BuildNetwork
    build_predictor: BuildPredictor

    def __call__(
        self,
        layers: Sequence[Layer],
        loss: str,
        task: Task,
        train: Examples,
        validation: Examples,
        budget: Budget,
        progress: Progress,
    ) -> TrainedLayers:
        """The network of these layers, with the weights of its best epoch by validation loss.

        The target of a regression is scaled to mean 0 and deviation 1, or to mean 1 where it is never below
        zero. Raises ArithmeticError when a loss is no finite number.
        """
        shape = train.x.shape[1:]
        scale = Scale.for_task(task, train.y, loss)
        first = first_parameters(layers, shape, budget.seed, train.codes)
        trainable = self.build_network(layers, first, shape, loss, task, budget)
        learner = ArrayLearner(trainable, budget, train, validation, scale)
        trainable.set_weights(best_weights(learner, budget, progress))
        found = trainable.parameters()
        return TrainedLayers(layers, found, shape, task, scale, self.build_predictor, loss in LOG_LINK)


class ArrayLearner:
    """A trainable in training on the rows of a task; see `_epochs.Learner`."""

    def __init__(
        self,
        trainable: TrainableNetwork,
        budget: Budget,
        train: Examples,
        validation: Examples,
        scale: Scale | None,
    ) -> None:
        self._network = trainable
        self._budget = budget
        self._train, self._validation = (_Rows(part, scale) for part in (train, validation))
        self._steps = 0

    def learn(self, epoch: int) -> float:
        budget, rows = self._budget, self._train
        self._network.begin(budget.seed + epoch)
        order = shuffled(rows.count, budget.seed, epoch)
        total = 0.0
        for part in parts(rows.count, budget.batch_size):
            self._steps += 1
            rate = budget.learning_rate(epoch + (part.start + part.stop) / 2 / rows.count)
            batch = rows.batch(order[part])
            if budget.augmentation:
                count = part.stop - part.start
                batch = batch._replace(x=budget.augmented(batch.x, epoch, part.start, count))
            total += self._network.step(batch, rate, self._steps)
        return total / rows.total

    def watch(self) -> float:
        rows = self._validation
        every = (rows.batch(part) for part in parts(rows.count, ROWS_AT_ONCE))
        return sum(map(self._network.loss, every)) / rows.total

    def weights(self) -> list[numpy.ndarray]:
        return self._network.weights()

    def save(self, log: EpochLog[list[numpy.ndarray]], path: Path) -> None:
        import numpy

        record = {"history": log.history, "best": log.best, "steps": self._steps}
        arrays = {
            "weights": self._network.weights(),
            "memory": self._network.memory(),
            "best": log.best_weights or [],
        }
        every = {f"{name}-{at}": array for name, found in arrays.items() for at, array in enumerate(found)}
        every["record"] = numpy.frombuffer(json.dumps(record).encode(), numpy.uint8)
        with path.open("wb") as file:
            numpy.savez(file, allow_pickle=False, **every)

    def load(self, path: Path) -> EpochLog[list[numpy.ndarray]]:
        import numpy

        with numpy.load(path, allow_pickle=False) as file:
            record = json.loads(file["record"].tobytes())
            self._network.set_weights(list(_numbered(file, "weights")))
            self._network.set_memory(list(_numbered(file, "memory")))
            best = list(_numbered(file, "best"))
        self._steps = record["steps"]
        return EpochLog(record["history"], record["best"], best)


class _Rows:
    """The rows of a split, from which batches are taken."""

    def __init__(self, examples: Examples, scale: Scale | None) -> None:
        import numpy

        self.count = len(examples.y)
        weights = numpy.ones(self.count) if examples.weights is None else examples.weights
        self.total = float(weights.sum())
        self._x = examples.x
        truth = targets(examples.y) if scale is None else scale.scaled(examples.y)
        self._truth = truth if scale is None else truth.astype(numpy.float32)
        self._weights = weights.astype(numpy.float32)

    def batch(self, places: numpy.ndarray | slice) -> Batch:
        """The rows at these places."""
        return Batch(self._x[places], self._truth[places], self._weights[places])


def _numbered(arrays: numpy.lib.npyio.NpzFile, name: str) -> Iterator[numpy.ndarray]:
    at = 0
    while (key := f"{name}-{at}") in arrays:
        yield arrays[key]
        at += 1


class TrainedLayers:
    """A network with its best weights; it can be pickled, as networks of most frameworks cannot."""

    def __init__(
        self,
        layers: Sequence[Layer],
        parameters: Parameters,
        shape: tuple[int, ...],
        task: Task,
        scale: Scale | None,
        build_predictor: BuildPredictor,
        log_link: bool = False,  # as a field of a record
    ) -> None:
        self._layers, self._parameters, self._shape = layers, parameters, shape
        self._task, self._scale = task, scale
        self._build_predictor, self._log_link = build_predictor, log_link
        self._predictor: Callable[[numpy.ndarray], numpy.ndarray] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_predictor": None}

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        import numpy

        if self._predictor is None:
            self._predictor = self._build_predictor(self._layers, self._parameters, self._shape, self._task)
        at_once = [slice(start, start + ROWS_AT_ONCE) for start in range(0, len(x), ROWS_AT_ONCE)]
        scores = numpy.concatenate([self._predictor(numpy.asarray(x[part])) for part in at_once])
        if self._scale is None:
            return scores
        return self._scale.restored(numpy.exp(scores, dtype="f8") if self._log_link else scores)

    def importance(self) -> numpy.ndarray | None:
        return None

    def to_onnx(self) -> onnx.ModelProto:
        from aimass_compiler.catalog.artifacts import _graphs
        from aimass_compiler.catalog.frameworks._network_graph import network_graph

        graph = network_graph(self._layers, self._parameters, self._shape, self._task)
        return _graphs.from_output(
            graph, "answer", self._shape, self._task, self._scale, log_link=self._log_link
        )
