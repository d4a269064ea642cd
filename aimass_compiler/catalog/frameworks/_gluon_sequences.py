"""Gluon blocks for sequences: what is padding or missing reaches no step that is there.

Blocks hand on one value: what each step holds and, as its last number, 1 where it is there, [N, L, D + 1].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from mxnet import gluon

from aimass_compiler.catalog import network
from aimass_compiler.expression.algebra import PADDING

if TYPE_CHECKING:
    import numpy

#: What Gluon calls the arrays of a recurrent cell.
_ARRAYS = {"weight_ih": "i2h_weight", "weight_hh": "h2h_weight", "bias_ih": "i2h_bias", "bias_hh": "h2h_bias"}


def _joined(operators: Any, values: Any, present: Any) -> Any:
    return operators.concat(values, operators.expand_dims(present, axis=2), dim=2)


def _split(operators: Any, steps: Any) -> tuple[Any, Any]:
    """The values, [N, L, D], and whether each step is there, [N, L]."""
    values = operators.slice_axis(steps, axis=2, begin=0, end=-1)
    present = operators.slice_axis(steps, axis=2, begin=-1, end=None)
    return values, operators.squeeze(present, axis=2)


class GluonEmbedding(gluon.HybridBlock):  # type: ignore[misc]  # MXNet is not typed here
    """A vector for each code."""

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        with self.name_scope():
            self.vectors = gluon.nn.Embedding(codes, width)

    def hybrid_forward(self, operators: Any, codes: Any) -> Any:
        return _joined(operators, self.vectors(codes), operators.cast(codes != PADDING, dtype="float32"))


class GluonMasking(gluon.HybridBlock):  # type: ignore[misc]  # MXNet is not typed here
    """Steps of which a number is missing are not there."""

    def hybrid_forward(self, operators: Any, rows: Any) -> Any:
        is_number = rows == rows  # noqa: PLR0124  # NaN is unlike itself
        present = operators.min(is_number, axis=2)
        there = operators.broadcast_like(operators.expand_dims(present, axis=2), rows)
        return _joined(operators, operators.where(there, rows, operators.zeros_like(rows)), present)


class GluonEachStep(gluon.HybridBlock):  # type: ignore[misc]  # MXNet is not typed here
    """A block that treats each step alone."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def hybrid_forward(self, operators: Any, steps: Any) -> Any:
        values, present = _split(operators, steps)
        return _joined(operators, self.block(values), present)


class GluonRecurrent(gluon.HybridBlock):  # type: ignore[misc]  # MXNet is not typed here
    """A recurrent cell over the steps, and another one over each row turned around by its own length."""

    def __init__(self, layer: network.Recurrent, shape: tuple[int, ...]) -> None:
        super().__init__()
        kind = {"lstm": gluon.rnn.LSTM, "gru": gluon.rnn.GRU}[layer.cell]
        self.length = shape[0]
        with self.name_scope():
            for way in layer.directions:
                setattr(self, way, kind(layer.units, layout="TNC", input_size=shape[1]))

    def hybrid_forward(self, operators: Any, steps: Any) -> Any:
        values, present = _split(operators, steps)
        by_step = operators.transpose(values, axes=(1, 0, 2))
        found = self.onward(by_step)
        if hasattr(self, "backward"):
            places = operators.expand_dims(operators.arange(1, self.length + 1), axis=0)
            last = operators.max(operators.broadcast_mul(present, places), axis=1)
            lengths = operators.maximum(last, 1)

            def turned(rows: Any) -> Any:
                return operators.SequenceReverse(rows, lengths, use_sequence_length=True)

            found = operators.concat(found, turned(self.backward(turned(by_step))), dim=2)
        return _joined(operators, operators.transpose(found, axes=(1, 0, 2)), present)


class GluonPooling(gluon.HybridBlock):  # type: ignore[misc]  # MXNet is not typed here
    """The mean or the largest of the steps that are there; zeros where none is."""

    def __init__(self, kind: Literal["mean", "max"]) -> None:
        super().__init__()
        self.kind = kind

    def hybrid_forward(self, operators: Any, steps: Any) -> Any:
        values, present = _split(operators, steps)
        there = operators.broadcast_like(operators.expand_dims(present, axis=2), values)
        if self.kind == "mean":
            total = operators.sum(operators.where(there, values, operators.zeros_like(values)), axis=1)
            count = operators.maximum(operators.sum(present, axis=1, keepdims=True), 1)
            return operators.broadcast_div(total, count)
        masked = operators.zeros_like(values) + network.MASKED
        largest = operators.max(operators.where(there, values, masked), axis=1)
        some = operators.broadcast_like(operators.max(present, axis=1, keepdims=True), largest)
        return operators.where(some, largest, operators.zeros_like(largest))


class GluonPositions(gluon.HybridBlock):  # type: ignore[misc]  # MXNet is not typed here
    """A vector for each place, added."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        with self.name_scope():
            self.vectors = self.params.get("vectors", shape=shape)

    def hybrid_forward(self, operators: Any, steps: Any, vectors: Any) -> Any:
        values, present = _split(operators, steps)
        added = operators.broadcast_add(values, operators.expand_dims(vectors, axis=0))
        return _joined(operators, added, present)


class GluonEncoder(gluon.HybridBlock):  # type: ignore[misc]  # MXNet is not typed here
    """Attention over the steps that are there and two dense layers, each added to what it read."""

    def __init__(self, layer: network.EncoderBlock, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.length, width = shape
        self.heads, self.size = layer.heads, layer.head_size(width)
        with self.name_scope():
            self.parts = {
                name: _normalization(width)
                if len(weight) == 1
                else gluon.nn.Dense(weight[0], flatten=False, in_units=weight[1])
                for name, weight in layer.weights(width).items()
            }
            self.dropout, self.activation = gluon.nn.Dropout(layer.dropout), gluon.nn.GELU()
        for part in self.parts.values():
            self.register_child(part)

    def hybrid_forward(self, operators: Any, steps: Any) -> Any:
        of = self.parts
        values, present = _split(operators, steps)
        heard = self._attention(operators, of["asked"](of["before_attention"](values)), present)
        values = values + self.dropout(of["answered"](heard))
        wide = self.dropout(self.activation(of["dense.1"](of["dense.0"](values))))
        return _joined(operators, values + self.dropout(of["dense.4"](wide)), present)

    def _attention(self, operators: Any, asked: Any, present: Any) -> Any:
        length, heads, size = self.length, self.heads, self.size
        split = operators.reshape(asked, shape=(-1, length, 3, heads, size))
        by_head = operators.transpose(split, axes=(2, 0, 3, 1, 4))
        queries, keys, answers = (
            operators.reshape(
                operators.slice_axis(by_head, axis=0, begin=part, end=part + 1), shape=(-1, length, size)
            )
            for part in range(3)
        )
        scores = operators.batch_dot(queries, keys, transpose_b=True) / math.sqrt(size)
        scores = operators.reshape(scores, shape=(-1, heads, length, length))
        seen = operators.expand_dims(operators.expand_dims(present, axis=1), axis=1)
        masked = operators.zeros_like(scores) + network.MASKED
        scores = operators.where(operators.broadcast_like(seen, scores), scores, masked)
        weights = self.dropout(operators.softmax(scores, axis=-1))
        found = operators.batch_dot(operators.reshape(weights, shape=(-1, length, length)), answers)
        found = operators.reshape(found, shape=(-1, heads, length, size))
        return operators.reshape(
            operators.transpose(found, axes=(0, 2, 1, 3)), shape=(-1, length, heads * size)
        )


def _normalization(width: int) -> Any:
    return gluon.nn.LayerNorm(epsilon=network.LayerNormalization.epsilon, in_channels=width)


def block(layer: network.SequenceLayer, shape: tuple[int, ...], arrays: Mapping[str, numpy.ndarray]) -> Any:
    """The block of a layer that reads rows of `shape` (without the batch) and has these weights by name."""
    made: Any
    match layer:
        case network.Embedding(width):
            made = GluonEmbedding(len(arrays["vectors.weight"]), width)
        case network.Masking():
            made = GluonMasking()
        case network.Recurrent():
            made = GluonRecurrent(layer, shape)
        case network.StepPooling(kind):
            made = GluonPooling(kind)
        case network.Positions():
            made = GluonPositions(shape)
        case network.LayerNormalization():
            made = GluonEachStep(_normalization(shape[1]))
        case network.EncoderBlock():
            made = GluonEncoder(layer, shape)
    return made


def parameters(layer: network.SequenceLayer, made: Any) -> dict[str, Any]:
    """Gluon's parameters of a block by the names that all frameworks share, in their order."""
    if isinstance(layer, network.Embedding):
        return {"vectors.weight": made.vectors.weight}
    if isinstance(layer, network.Positions):
        return {"vectors": made.vectors}
    if isinstance(layer, network.LayerNormalization):
        return _of_part(made.block)
    if isinstance(layer, network.EncoderBlock):
        return {
            f"{name}.{kind}": found
            for name, part in made.parts.items()
            for kind, found in _of_part(part).items()
        }
    ways = layer.directions if isinstance(layer, network.Recurrent) else ()
    return {
        f"{way}.{name}_l0": getattr(getattr(made, way), f"l0_{own}")
        for way in ways
        for name, own in _ARRAYS.items()
    }


def _of_part(part: Any) -> dict[str, Any]:
    """The parameters of what sums or normalises."""
    if isinstance(part, gluon.nn.LayerNorm):
        return {"weight": part.gamma, "bias": part.beta}
    return {"weight": part.weight, "bias": part.bias}
