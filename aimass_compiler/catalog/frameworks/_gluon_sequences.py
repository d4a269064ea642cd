"""Gluon blocks for sequences: what is padding or missing reaches no step that is there.

Blocks hand on one value: what each step holds and, as its last number, 1 where it is there, [N, L, D + 1].
"""

from __future__ import annotations

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


def block(layer: network.SequenceLayer, shape: tuple[int, ...], arrays: Mapping[str, numpy.ndarray]) -> Any:
    """The block of a layer that reads rows of `shape` and has these weights."""
    match layer:
        case network.Embedding(width):
            return GluonEmbedding(len(arrays["vectors.weight"]), width)
        case network.Masking():
            return GluonMasking()
        case network.Recurrent():
            return GluonRecurrent(layer, shape)
        case network.StepPooling(kind):
            return GluonPooling(kind)
    raise NotImplementedError(type(layer).__name__)


def parameters(layer: network.SequenceLayer, made: Any) -> dict[str, Any]:
    """Gluon's parameters of a block by the names that all frameworks share, in their order."""
    if isinstance(layer, network.Embedding):
        return {"vectors.weight": made.vectors.weight}
    ways = layer.directions if isinstance(layer, network.Recurrent) else ()
    return {
        f"{way}.{name}_l0": getattr(getattr(made, way), f"l0_{own}")
        for way in ways
        for name, own in _ARRAYS.items()
    }
