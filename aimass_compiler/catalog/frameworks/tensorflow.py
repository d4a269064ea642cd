"""TensorFlow: networks of Keras layers, with the first weights and steps that PyTorch would take."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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

#: Images have their channels first everywhere but here: TensorFlow convolves them last, on a CPU.
_CHANNELS_LAST, _CHANNELS_FIRST = (2, 3, 1), (3, 1, 2)
_IMAGE_AXES = 3


def _keras() -> Any:
    """Keras with TensorFlow below it; both say much while they are imported."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Its sums would depend on the instructions that a CPU has.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    import keras

    return keras


def _make_repeatable(budget: Budget) -> None:
    keras = _keras()
    import tensorflow

    tensorflow.get_logger().setLevel("ERROR")  # it warns of each network that a process traces
    keras.utils.set_random_seed(budget.seed)
    tensorflow.config.experimental.enable_op_determinism()
    # The first training of a process decides; all trials of a search have the same threads.
    with suppress(RuntimeError):
        tensorflow.config.set_visible_devices([], "GPU")
        tensorflow.config.threading.set_intra_op_parallelism_threads(budget.threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)


def _keras_layers(layer: Layer) -> list[Any]:
    """The Keras layers of a layer; what has weights comes first."""
    of = _keras().layers
    made: list[Any]
    match layer:
        case network.Dense(units):
            made = [of.Dense(units)]
        case network.Convolution(channels, kernel):
            made = [of.Conv2D(channels, kernel, padding="same")]
        case network.BatchNormalization():
            made = [of.BatchNormalization(momentum=1 - layer.pace, epsilon=layer.epsilon)]
        case network.Activation(function):
            made = [of.Activation(function)]
        case network.Pooling(kind, size):
            made = [{"max": of.MaxPooling2D, "average": of.AveragePooling2D}[kind](size)]
        case network.Dropout(share):
            made = [of.Dropout(share, seed=0)] if share else []
        case network.Flatten():
            made = [of.Permute(_CHANNELS_FIRST), of.Flatten()]
    return made


def _assembled(
    layers: Sequence[Layer], parameters: Parameters, shape: tuple[int, ...]
) -> tuple[Any, list[list[Any]]]:
    """A Keras model with these weights, and the Keras layers of each layer."""
    keras = _keras()
    rows = keras.Input(shape, dtype="int32" if isinstance(layers[0], network.Embedding) else "float32")
    value: Any = keras.layers.Permute(_CHANNELS_LAST)(rows) if len(shape) == _IMAGE_AXES else rows
    made = []
    for layer, arrays in zip(layers, parameters, strict=True):
        parts, value = _following(layer, arrays, value)
        made.append(parts)
    for layer, parts, arrays in zip(layers, made, parameters, strict=True):
        for part, weights in zip(parts, _to_keras(layer, arrays), strict=False):
            part.set_weights(weights)
    return keras.Model(rows, value), made


def _following(layer: Layer, arrays: Mapping[str, numpy.ndarray], value: Any) -> tuple[list[Any], Any]:
    """The Keras layers of a layer, and what they make of the value before it: a tensor, or steps."""
    from aimass_compiler.catalog.frameworks import _keras_sequences

    if isinstance(layer, network.SEQUENCE_LAYERS):
        made = _keras_sequences.keras_layers(layer, arrays)
        return made, _keras_sequences.applied(layer, made, value)
    made = _keras_layers(layer)
    for part in made:
        if isinstance(value, _keras_sequences.KerasSteps):
            value = value._replace(values=part(value.values))
        else:
            value = part(value)
    return made, value


def predictor(
    layers: Sequence[Layer], parameters: Parameters, shape: tuple[int, ...], task: Task
) -> Callable[[numpy.ndarray], numpy.ndarray]:
    """A trained network from rows [N, *shape] to probabilities [N, K], or to one scaled number a row [N]."""
    model, _ = _assembled(layers, parameters, shape)
    import tensorflow

    def predict(x: numpy.ndarray) -> numpy.ndarray:
        outputs = model(x.astype(model.inputs[0].dtype, copy=False), training=False)
        shares = tensorflow.nn.sigmoid if task.is_multilabel else tensorflow.nn.softmax
        made = shares(outputs) if task.is_classification else outputs[:, 0]
        found: numpy.ndarray = made.numpy()
        return found

    return predict


class KerasNetwork:
    """A network in TensorFlow with what its optimizer remembers."""

    def __init__(
        self,
        layers: Sequence[Layer],
        first: Parameters,
        shape: tuple[int, ...],
        loss: str,
        task: Task,
        budget: Budget,
    ) -> None:
        self._layers = layers
        self.network, self._made = _assembled(layers, first, shape)
        every = (part for parts in self._made for part in parts)
        self._dropouts = [part for part in every if isinstance(part, _keras().layers.Dropout)]
        self._step, self._loss, self._memory = _functions(self.network, loss, task, budget)

    def begin(self, seed: int) -> None:
        import numpy

        chance = numpy.random.default_rng(seed)
        for dropout in self._dropouts:
            dropout.seed_generator.state.assign([chance.integers(2**31), 0])

    def step(self, batch: Batch, rate: float, number: int) -> float:
        import numpy

        numbers = (numpy.float32(part) for part in (rate, *_updates.corrections(number)))
        return float(self._step(self._typed(batch), next(numbers), tuple(numbers)))

    def loss(self, batch: Batch) -> float:
        return float(self._loss(self._typed(batch)))

    def _typed(self, batch: Batch) -> Batch:
        return batch._replace(x=batch.x.astype(self.network.inputs[0].dtype, copy=False))

    def weights(self) -> list[numpy.ndarray]:
        found: list[numpy.ndarray] = self.network.get_weights()
        return found

    def set_weights(self, weights: list[numpy.ndarray]) -> None:
        self.network.set_weights(list(weights))

    def memory(self) -> list[numpy.ndarray]:
        return [array.numpy() for arrays in self._memory for array in arrays]

    def set_memory(self, memory: list[numpy.ndarray]) -> None:
        every = (array for arrays in self._memory for array in arrays)
        for variable, value in zip(every, memory, strict=True):
            variable.assign(value)

    def parameters(self) -> Parameters:
        """What the layers learned, in the layout of all frameworks."""
        pairs = zip(self._layers, self._made, strict=True)
        return tuple(
            _from_keras(layer, [array for part in made for array in part.get_weights()])
            for layer, made in pairs
        )


def _to_keras(layer: Layer, arrays: Mapping[str, numpy.ndarray]) -> list[list[numpy.ndarray]]:
    """The arrays of each Keras layer of a layer, in Keras' order and layout."""
    from aimass_compiler.catalog.frameworks import _keras_sequences

    if isinstance(layer, network.SEQUENCE_LAYERS):
        return _keras_sequences.to_keras(layer, arrays)
    if not arrays:
        return []
    weight, *others = arrays.values()
    match layer:
        case network.Dense():
            return [[weight.T, *others]]
        case network.Convolution():
            return [[weight.transpose(2, 3, 1, 0), *others]]
    return [[weight, *others]]


def _from_keras(layer: Layer, arrays: Sequence[numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """The arrays of a layer by name, in the layout of all frameworks."""
    import numpy

    from aimass_compiler.catalog.frameworks import _keras_sequences

    if not arrays:
        return {}
    if isinstance(layer, network.SEQUENCE_LAYERS):
        return _keras_sequences.from_keras(layer, arrays)
    weight, *others = arrays
    match layer:
        case network.Dense():
            weight = numpy.ascontiguousarray(weight.T)
        case network.Convolution():
            weight = numpy.ascontiguousarray(weight.transpose(3, 2, 0, 1))
    names = ("weight", "bias", "running_mean", "running_var")
    return dict(zip(names, (weight, *others), strict=False))


def _measure(loss: str, task: Task) -> Callable[[Any, Any], Any]:
    """The loss of each row from what the network gives and the truth."""
    import tensorflow

    if task.is_multilabel:
        return lambda outputs, truth: tensorflow.reduce_mean(
            tensorflow.nn.sigmoid_cross_entropy_with_logits(truth, outputs), axis=1
        )
    if task.is_classification:
        return lambda outputs, truth: tensorflow.nn.sparse_softmax_cross_entropy_with_logits(truth, outputs)
    return lambda outputs, truth: losses_of_numbers(loss, task.level, outputs[:, 0], truth, tensorflow.exp)


def _functions(model: Any, loss: str, task: Task, budget: Budget) -> tuple[Any, Any, Any]:
    """What takes a step, what only measures, and what the optimizer remembers of each weight."""
    import tensorflow

    measure, like = _measure(loss, task), tensorflow.TensorSpec
    rows = Batch(
        like(model.input_shape, model.inputs[0].dtype),
        like(
            (None, model.output_shape[-1]) if task.is_multilabel else (None,),
            tensorflow.int64 if task.is_classification and not task.is_multilabel else tensorflow.float32,
        ),
        like((None,), tensorflow.float32),
    )
    number = like((), tensorflow.float32)
    weights = [variable.value for variable in model.trainable_variables]
    count = _updates.memories(budget.optimizer)
    memory = [
        [tensorflow.Variable(tensorflow.zeros_like(weight)) for _ in range(count)] for weight in weights
    ]

    # With signatures, so that they are traced once, not for each number of rows.
    @tensorflow.function(input_signature=[rows, number, (number, number)])  # type: ignore[untyped-decorator]  # not typed here
    def step(batch: Batch, rate: Any, reached: Sequence[Any]) -> Any:
        with tensorflow.GradientTape() as tape:
            losses = measure(model(batch.x, training=True), batch.truth) * batch.weights
            mean = tensorflow.reduce_mean(losses)
        gradients = tape.gradient(mean, weights)
        if budget.gradient_norm is not None:
            norm = tensorflow.linalg.global_norm(gradients)
            share = tensorflow.minimum(1.0, budget.gradient_norm / (norm + _updates.NORM_EPSILON))
            gradients = [gradient * share for gradient in gradients]
        for weight, gradient, remembered in zip(weights, gradients, memory, strict=True):
            far, following = _updates.updated(
                budget.optimizer, weight, gradient, remembered, reached, tensorflow.sqrt
            )
            weight.assign_sub(rate * far)
            for variable, value in zip(remembered, following, strict=True):
                variable.assign(value)
        return tensorflow.reduce_sum(losses)

    @tensorflow.function(input_signature=[rows])  # type: ignore[untyped-decorator]  # not typed here
    def loss_of(batch: Batch) -> Any:
        losses = measure(model(batch.x, training=False), batch.truth)
        return tensorflow.reduce_sum(losses * batch.weights)

    return step, loss_of, memory


def _repeatable_network(
    layers: Sequence[Layer],
    first: Parameters,
    shape: tuple[int, ...],
    loss: str,
    task: Task,
    budget: Budget,
) -> KerasNetwork:
    """A network with the seed and the threads of the budget, which are the whole process's."""
    _make_repeatable(budget)
    return KerasNetwork(layers, first, shape, loss, task, budget)


TENSORFLOW = NetworkFramework(
    module="tensorflow",
    extra="tensorflow",
    wheels=Wheels(before=(3, 14)),
    train=LayerTrainer(_repeatable_network, predictor),
)
