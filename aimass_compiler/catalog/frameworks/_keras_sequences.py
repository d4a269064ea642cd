"""Keras layers for sequences: what is padding or missing reaches no step that is there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import keras
from keras import ops

from aimass_compiler.catalog import network
from aimass_compiler.expression.algebra import PADDING

if TYPE_CHECKING:
    import numpy

#: The arrays of a cell in the order in which Keras lists them, and whether it has them transposed.
_ARRAYS = (("weight_ih", True), ("bias_ih", False), ("weight_hh", True), ("bias_hh", False))
#: What a block of attention leaves out: of its weights, of what it adds, and behind both dense layers.
_DROPOUTS = 4


class KerasSteps(NamedTuple):
    """What each step holds, [N, L, D], and whether it is there, [N, L]."""

    values: Any
    present: Any


class KerasCell(keras.layers.Layer):  # type: ignore[misc]  # Keras is not typed here
    """A step of a recurrent cell over what its gates read, [N, G * units], with a bias of its own.

    Keras' cells add up two biases to one, so that steps of learning would be half as long.
    """

    def __init__(self, layer: network.Recurrent) -> None:
        super().__init__()
        self.layer, self.units = layer, layer.units
        self.state_size = [self.units, self.units] if layer.cell == "lstm" else [self.units]
        self.output_size = self.units

    def build(self, shape: Any) -> None:
        del shape
        rows = self.units * self.layer.gates
        self.kernel = self.add_weight(shape=(self.units, rows), name="kernel")
        self.bias = self.add_weight(shape=(rows,), name="bias")

    def call(self, read: Any, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        remembered = ops.matmul(states[0], self.kernel) + self.bias
        if self.layer.cell == "gru":
            reset, update, new = ops.split(read, 3, axis=1)
            of_reset, of_update, of_new = ops.split(remembered, 3, axis=1)
            kept = ops.sigmoid(update + of_update)
            fresh = ops.tanh(new + ops.sigmoid(reset + of_reset) * of_new)
            hidden = fresh + kept * (states[0] - fresh)
            return hidden, [hidden]
        taken, kept, fresh, shown = ops.split(read + remembered, 4, axis=1)
        memory = ops.sigmoid(kept) * states[1] + ops.sigmoid(taken) * ops.tanh(fresh)
        hidden = ops.sigmoid(shown) * ops.tanh(memory)
        return hidden, [hidden, memory]


class KerasPositions(keras.layers.Layer):  # type: ignore[misc]  # Keras is not typed here
    """A vector for each place, added."""

    def build(self, shape: Any) -> None:
        self.vectors = self.add_weight(shape=shape[1:], name="vectors")

    def call(self, values: Any) -> Any:
        return values + self.vectors


def keras_layers(layer: network.SequenceLayer, arrays: Mapping[str, numpy.ndarray]) -> list[Any]:
    """The Keras layers with weights that a layer becomes, in order; `arrays` are its weights by name."""
    match layer:
        case network.Embedding(width):
            return [keras.layers.Embedding(len(arrays["vectors.weight"]), width)]
        case network.Recurrent():
            made: list[Any] = []
            for _ in layer.directions:
                recurrent = keras.layers.RNN(KerasCell(layer), return_sequences=True)
                made += [keras.layers.Dense(layer.units * layer.gates), recurrent]
            return made
        case network.Positions():
            return [KerasPositions()]
        case network.LayerNormalization(epsilon=epsilon):
            return [keras.layers.LayerNormalization(epsilon=epsilon)]
        case network.EncoderBlock():
            width = len(arrays["before_attention.weight"])
            made = [
                keras.layers.Dense(shape[0])
                if len(shape) > 1
                else keras.layers.LayerNormalization(epsilon=network.LayerNormalization.epsilon)
                for shape in layer.weights(width).values()
            ]
            dropouts = [keras.layers.Dropout(layer.dropout, seed=0) for _ in range(_DROPOUTS)]
            return made + dropouts if layer.dropout else made
    return []


def applied(layer: network.SequenceLayer, made: Sequence[Any], value: Any) -> Any:
    """What a layer makes of rows or of the steps before it."""
    match layer:
        case network.Embedding():
            return KerasSteps(made[0](value), ops.not_equal(value, PADDING))
        case network.Masking():
            present = ops.logical_not(ops.any(ops.isnan(value), axis=2))
            return KerasSteps(ops.where(present[:, :, None], value, 0.0), present)
        case network.Recurrent():
            return _recurrent(made, value)
        case network.StepPooling(kind):
            return _pooled(kind, value)
        case network.Positions() | network.LayerNormalization():
            return value._replace(values=made[0](value.values))
        case network.EncoderBlock(heads):
            return _encoded(heads, made, value)


def _encoded(heads: int, made: Sequence[Any], steps: KerasSteps) -> KerasSteps:
    """Attention over the steps that are there and two dense layers, each added to what it read."""
    before, asked, answered, normalized, wide, narrow, *others = made
    dropouts = others or [keras.layers.Identity()] * _DROPOUTS
    length, values = steps.present.shape[1], steps.values
    split = ops.reshape(asked(before(values)), (-1, length, 3, heads, asked.units // (3 * heads)))
    queries, keys, answers = (ops.transpose(split[:, :, part], (0, 2, 1, 3)) for part in range(3))
    scores = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2))) / math.sqrt(queries.shape[3])
    scores = ops.where(steps.present[:, None, None, :], scores, network.MASKED)
    weights = dropouts[0](ops.softmax(scores, axis=3))
    heard = ops.transpose(ops.matmul(weights, answers), (0, 2, 1, 3))
    joined = ops.reshape(heard, (-1, length, asked.units // 3))
    values = values + dropouts[1](answered(joined))
    inner = dropouts[2](ops.gelu(wide(normalized(values)), approximate=False))
    return KerasSteps(values + dropouts[3](narrow(inner)), steps.present)


def _recurrent(made: Sequence[Any], steps: KerasSteps) -> KerasSteps:
    """A cell over the steps, and another one over each row turned around by its own length."""
    onward = made[1](made[0](steps.values))
    if len(made) == 2:  # noqa: PLR2004  # what is read forward only
        return KerasSteps(onward, steps.present)
    order = _reversed(steps.present)
    backward = made[3](made[2](_taken(steps.values, order)))
    return KerasSteps(ops.concatenate([onward, _taken(backward, order)], axis=2), steps.present)


def _reversed(present: Any) -> Any:
    """The places of the steps, [N, L], those up to a row's last one in reverse; twice is as it was."""
    places = ops.arange(present.shape[1], dtype="int32")
    lengths = ops.max(ops.where(present, places + 1, 0), axis=1, keepdims=True)
    return ops.where(ops.less(places, lengths), ops.subtract(lengths - 1, places), places)


def _taken(values: Any, places: Any) -> Any:
    return ops.take_along_axis(values, places[:, :, None], axis=1)


def _pooled(kind: Literal["mean", "max"], steps: KerasSteps) -> Any:
    present = steps.present[:, :, None]
    count = ops.sum(ops.cast(present, "float32"), axis=1)
    if kind == "mean":
        return ops.sum(ops.where(present, steps.values, 0.0), axis=1) / ops.maximum(count, 1.0)
    largest = ops.max(ops.where(present, steps.values, network.MASKED), axis=1)
    return ops.where(ops.greater(count, 0), largest, 0.0)


def to_keras(layer: network.SequenceLayer, arrays: Mapping[str, numpy.ndarray]) -> list[list[numpy.ndarray]]:
    """The weights of each of its Keras layers, from those by name.

    Keras has matrices [in, out], the layout of all frameworks [out, in].
    """
    if isinstance(layer, network.Embedding):
        return [[arrays["vectors.weight"]]]
    if isinstance(layer, network.EncoderBlock):
        names = layer.weights(len(arrays["before_attention.weight"]))
        return [[arrays[f"{name}.weight"].T, arrays[f"{name}.bias"]] for name in names]
    if not isinstance(layer, network.Recurrent):
        return [list(arrays.values())]
    found: list[list[numpy.ndarray]] = []
    for way in layer.directions:
        own = [arrays[f"{way}.{name}_l0"] for name, _ in _ARRAYS]
        turned = [array.T if is_turned else array for array, (_, is_turned) in zip(own, _ARRAYS, strict=True)]
        found += [turned[:2], turned[2:]]
    return found


def from_keras(layer: network.SequenceLayer, arrays: Sequence[numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """The weights by name, in the layout of all frameworks."""
    import numpy

    if isinstance(layer, network.Embedding):
        return {"vectors.weight": arrays[0]}
    if isinstance(layer, network.EncoderBlock):
        names = [f"{name}.{kind}" for name in layer.weights(len(arrays[0])) for kind in ("weight", "bias")]
        return {name: numpy.ascontiguousarray(array.T) for name, array in zip(names, arrays, strict=True)}
    if not isinstance(layer, network.Recurrent):
        return dict(zip(("vectors",) if len(arrays) == 1 else ("weight", "bias"), arrays, strict=True))
    ways = layer.directions
    named = [(f"{way}.{name}_l0", is_turned) for way in ways for name, is_turned in _ARRAYS]
    found = {
        name: numpy.ascontiguousarray(array.T) if is_turned else array
        for (name, is_turned), array in zip(named, arrays, strict=True)
    }
    # In the order in which a layer lists them.
    return {f"{way}.{name}_l0": found[f"{way}.{name}_l0"] for way in ways for name in _ORDER}


_ORDER = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
