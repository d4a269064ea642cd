"""MXNet: networks of Gluon blocks, with the first weights and steps that PyTorch would take."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog import network
from aimass_compiler.catalog.frameworks import Wheels, _updates
from aimass_compiler.catalog.frameworks._array_learner import Batch, LayerTrainer
from aimass_compiler.catalog.frameworks._losses_of_numbers import losses_of_numbers
from aimass_compiler.catalog.frameworks._parameters import Parameters
from aimass_compiler.catalog.network import NetworkFramework

if TYPE_CHECKING:
    import numpy

    from aimass_compiler.catalog.model import Budget
    from aimass_compiler.catalog.network import Layer
    from aimass_compiler.catalog.task import Task

#: What Gluon calls the arrays of a batch normalisation.
_NORMALIZATION = {"weight": "gamma", "bias": "beta"}
#: A row of a sequence has steps, and what each holds.
_STEPS_AXES = 2


def _mxnet(threads: int = 1) -> Any:
    """MXNet, which reads only while it is imported how many threads it may have."""
    from aimass_compiler.catalog.frameworks import _numpy_names

    for name in ("OMP_NUM_THREADS", "MXNET_OMP_MAX_THREADS"):
        os.environ.setdefault(name, str(threads))
    _numpy_names.put_back()
    import mxnet

    return mxnet


def _block(layer: Layer, shape: tuple[int, ...]) -> Any:
    """The Gluon block of a layer that reads rows of `shape`."""
    of = _mxnet().gluon.nn
    match layer:
        case network.Dense(units):
            made = of.Dense(units, flatten=False, in_units=shape[-1])
        case network.Convolution(channels, kernel):
            made = of.Conv2D(channels, kernel, in_channels=shape[0])
        case network.BatchNormalization():
            made = of.BatchNorm(momentum=1 - layer.pace, epsilon=layer.epsilon, in_channels=shape[0])
        case network.Activation(function):
            made = {"gelu": of.GELU, "elu": of.ELU}.get(function, lambda: of.Activation(function))()
        case network.Pooling(kind, size):
            made = {"max": of.MaxPool2D, "average": of.AvgPool2D}[kind](size)
        case network.Dropout(share):
            made = of.Dropout(share)
        case network.Flatten():
            made = of.Flatten()
    return made


def _padded(layer: network.Convolution) -> Any:
    """A block that puts zeros around an image, as many as the convolution after it takes away."""
    sides = (0, 0, 0, 0, *layer.padding, *layer.padding)
    return _mxnet().gluon.nn.HybridLambda(
        lambda operators, x: operators.pad(x, mode="constant", constant_value=0, pad_width=sides)
    )


def _assembled(
    layers: Sequence[Layer], parameters: Parameters, shape: tuple[int, ...]
) -> tuple[Any, list[Any]]:
    """A Gluon network with these weights, and the block of each layer."""
    mxnet = _mxnet()
    from aimass_compiler.catalog.frameworks import _gluon_sequences

    made, blocks = mxnet.gluon.nn.HybridSequential(), []
    for layer, arrays in zip(layers, parameters, strict=True):
        if isinstance(layer, network.SEQUENCE_LAYERS):
            blocks.append(_gluon_sequences.block(layer, shape, arrays))
        else:
            blocks.append(_block(layer, shape))
        if isinstance(layer, network.Convolution) and any(layer.padding):
            made.add(_padded(layer))
        shape = layer.shape_after(shape)
        is_of_each_step = len(shape) == _STEPS_AXES and not isinstance(layer, network.SEQUENCE_LAYERS)
        made.add(_gluon_sequences.GluonEachStep(blocks[-1]) if is_of_each_step else blocks[-1])
    made.initialize()
    made.hybridize()
    for layer, block, arrays in zip(layers, blocks, parameters, strict=True):
        own = _parameters_of(layer, block)
        for name, array in arrays.items():
            own[name].set_data(mxnet.nd.array(array))
    return made, blocks


def _parameters_of(layer: Layer, block: Any) -> Mapping[str, Any]:
    """Gluon's parameters of a block by the names that all frameworks share, in their order."""
    from aimass_compiler.catalog.frameworks import _gluon_sequences

    if isinstance(layer, network.SEQUENCE_LAYERS):
        return _gluon_sequences.parameters(layer, block)
    names = ("weight", "bias", "running_mean", "running_var")
    known = {_NORMALIZATION.get(name, name): name for name in names} | {name: name for name in names}
    return {name: getattr(block, own) for own, name in known.items() if hasattr(block, own)}


def predictor(
    layers: Sequence[Layer], parameters: Parameters, shape: tuple[int, ...], task: Task
) -> Callable[[numpy.ndarray], numpy.ndarray]:
    """A trained network from rows [N, *shape] to probabilities [N, K], or to one scaled number a row [N]."""
    made, _ = _assembled(layers, parameters, shape)
    of = _mxnet().nd

    def predict(x: numpy.ndarray) -> numpy.ndarray:
        outputs = made(of.array(x))
        shares = of.sigmoid if task.is_multilabel else of.softmax
        found: numpy.ndarray = (shares(outputs) if task.is_classification else outputs[:, 0]).asnumpy()
        return found

    return predict


class GluonNetwork:
    """A network in MXNet with what its optimizer remembers."""

    def __init__(
        self,
        layers: Sequence[Layer],
        first: Parameters,
        shape: tuple[int, ...],
        loss: str,
        task: Task,
        budget: Budget,
    ) -> None:
        self._mx = _mxnet(budget.threads)
        self._layers, self._budget, self._loss, self._task = layers, budget, loss, task
        self.network, self._blocks = _assembled(layers, first, shape)
        every = self.network.collect_params().values()
        self._every = list(every)
        self._learning = [parameter for parameter in every if parameter.grad_req != "null"]
        count = _updates.memories(budget.optimizer)
        self._memory = [
            [self._mx.nd.zeros(parameter.shape) for _ in range(count)] for parameter in self._learning
        ]

    def begin(self, seed: int) -> None:
        self._mx.random.seed(seed)

    def step(self, batch: Batch, rate: float, number: int) -> float:
        with self._mx.autograd.record():
            losses = self._losses(batch)
            mean = losses.mean()
        mean.backward()
        reached = _updates.corrections(number)
        for parameter, gradient, memory in zip(self._learning, self._gradients(), self._memory, strict=True):
            weight = parameter.data()
            far, memory[:] = _updates.updated(
                self._budget.optimizer, weight, gradient, memory, reached, self._mx.nd.sqrt
            )
            weight -= rate * far
        return float(losses.sum().asscalar())

    def _gradients(self) -> Iterator[Any]:
        """The gradients of the weights, all together no longer than they may be."""
        found = [parameter.grad() for parameter in self._learning]
        longest, share = self._budget.gradient_norm, 1.0
        if longest is not None:
            square = sum(float((gradient * gradient).sum().asscalar()) for gradient in found)
            share = min(1.0, longest / (square**0.5 + _updates.NORM_EPSILON))
        return (gradient * share for gradient in found)

    def loss(self, batch: Batch) -> float:
        return float(self._losses(batch).sum().asscalar())

    def _losses(self, batch: Batch) -> Any:
        x, truth, weights = (self._mx.nd.array(part, dtype=part.dtype) for part in batch)
        outputs, of = self.network(x), self._mx.nd
        if self._task.is_multilabel:
            # Softplus of the logit, less the logit where the label is given.
            losses = of.Activation(outputs, act_type="softrelu") - outputs * truth
            return losses.mean(axis=1) * weights
        if self._task.is_classification:
            return -of.pick(of.log_softmax(outputs), truth) * weights
        return losses_of_numbers(self._loss, self._task.level, outputs[:, 0], truth, of.exp) * weights

    def weights(self) -> list[numpy.ndarray]:
        return [parameter.data().asnumpy() for parameter in self._every]

    def set_weights(self, weights: list[numpy.ndarray]) -> None:
        for parameter, value in zip(self._every, weights, strict=True):
            parameter.set_data(self._mx.nd.array(value))

    def memory(self) -> list[numpy.ndarray]:
        return [array.asnumpy() for arrays in self._memory for array in arrays]

    def set_memory(self, memory: list[numpy.ndarray]) -> None:
        values = iter(memory)
        for arrays in self._memory:
            arrays[:] = [self._mx.nd.array(next(values)) for _ in arrays]

    def parameters(self) -> Parameters:
        """What the layers learned, in the layout of all frameworks."""
        pairs = zip(self._layers, self._blocks, strict=True)
        return tuple(
            {name: found.data().asnumpy() for name, found in _parameters_of(layer, block).items()}
            for layer, block in pairs
        )


MXNET = NetworkFramework(
    module="mxnet",
    extra="mxnet",
    wheels=Wheels(
        platforms=(("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64")),
        before=(3, 12),
    ),
    fits_pins=False,  # pip takes its word that it needs NumPy below 2
    train=LayerTrainer(GluonNetwork, predictor),
)
