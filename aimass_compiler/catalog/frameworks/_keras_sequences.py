"""Keras layers for sequences: what is padding or missing reaches no step that is there."""

from __future__ import annotations

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


def keras_layers(layer: network.SequenceLayer, arrays: Mapping[str, numpy.ndarray]) -> list[Any]:
    """The Keras layers with weights of a layer."""
    match layer:
        case network.Embedding(width):
            return [keras.layers.Embedding(len(arrays["vectors.weight"]), width)]
        case network.Recurrent():
            made: list[Any] = []
            for _ in layer.directions:
                recurrent = keras.layers.RNN(KerasCell(layer), return_sequences=True)
                made += [keras.layers.Dense(layer.units * layer.gates), recurrent]
            return made
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
    raise NotImplementedError(type(layer).__name__)


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
    """The weights of each of its Keras layers."""
    if isinstance(layer, network.Embedding):
        return [[arrays["vectors.weight"]]]
    found: list[list[numpy.ndarray]] = []
    for way in layer.directions if isinstance(layer, network.Recurrent) else ():
        own = [arrays[f"{way}.{name}_l0"] for name, _ in _ARRAYS]
        turned = [array.T if is_turned else array for array, (_, is_turned) in zip(own, _ARRAYS, strict=True)]
        found += [turned[:2], turned[2:]]
    return found


def from_keras(layer: network.SequenceLayer, arrays: Sequence[numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """The weights by name, in the layout of all frameworks."""
    import numpy

    if isinstance(layer, network.Embedding):
        return {"vectors.weight": arrays[0]}
    ways = layer.directions if isinstance(layer, network.Recurrent) else ()
    named = [(f"{way}.{name}_l0", is_turned) for way in ways for name, is_turned in _ARRAYS]
    found = {
        name: numpy.ascontiguousarray(array.T) if is_turned else array
        for (name, is_turned), array in zip(named, arrays, strict=True)
    }
    # In the order in which a layer lists them.
    return {f"{way}.{name}_l0": found[f"{way}.{name}_l0"] for way in ways for name in _ORDER}


_ORDER = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
