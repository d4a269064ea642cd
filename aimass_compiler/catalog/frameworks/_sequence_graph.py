"""Layers of sequences as nodes of ONNX: what is padding or missing reaches no step that is there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy
from onnx import TensorProto

from aimass_compiler.catalog import network
from aimass_compiler.expression.algebra import PADDING

if TYPE_CHECKING:
    from aimass_compiler.catalog.frameworks._node_writer import NodeWriter

#: The order of a cell's gates in all frameworks, as places of ONNX' order.
_GATES = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}


class StepNames(NamedTuple):
    """The names of what each step holds, float32 [N, L, D], and whether it is there, bool [N, L]."""

    values: str
    present: str


def written(
    writer: NodeWriter,
    layer: network.Layer,
    value: str | StepNames,
    learned: Mapping[str, numpy.ndarray],
    shape: tuple[int, ...],
) -> str | StepNames:
    """Write the nodes that compute a layer, and answer the name of what they give.

    It reads `value` [N, *shape] and has the weights `learned` by name; of steps, there are values [N, S, W]
    and which of them are present [N, S].
    """
    match layer, value:
        case network.Embedding(), str():
            values = writer.node("Gather", [writer.constant(learned["vectors.weight"]), value])
            is_padding = writer.node("Equal", [value, writer.constant(numpy.array(PADDING))])
            return StepNames(values, writer.node("Not", [is_padding]))
        case network.Masking(), str():
            missing = writer.node("Cast", [writer.node("IsNaN", [value])], to=TensorProto.INT64)
            count = writer.node("ReduceSum", [missing, writer.constant(numpy.array([2]))], keepdims=0)
            present = writer.node("Equal", [count, writer.constant(numpy.array(0))])
            return StepNames(_where_present(writer, StepNames(value, present), 0.0), present)
        case network.Recurrent(), StepNames():
            return _recurrent(writer, layer, value, learned, shape[0])
        case network.Positions() | network.Dense() | network.LayerNormalization(), StepNames():
            return value._replace(values=_of_each(writer, layer, value.values, learned))
        case network.EncoderBlock(), StepNames():
            return _encoded(writer, layer, value, learned, shape)
        case network.StepPooling(), StepNames():
            return _pooled(writer, layer, value)
    raise NotImplementedError(type(layer).__name__)


def _where_present(writer: NodeWriter, steps: StepNames, otherwise: float) -> str:
    """The values [N, L, D], with another one in the steps that are not there."""
    claim = writer.node("Unsqueeze", [steps.present, writer.constant(numpy.array([2]))])
    return writer.node(
        "Where", [claim, steps.values, writer.constant(numpy.array([otherwise], numpy.float32))]
    )


def _lengths(writer: NodeWriter, present: str, length: int) -> str:
    """The place behind the last step that is there, int32 [N]; 1 of a row without steps."""
    places = writer.constant(numpy.arange(1, length + 1))
    one = writer.constant(numpy.array(1))
    found = writer.node("Where", [present, places, one])
    longest = writer.node("ReduceMax", [found, writer.constant(numpy.array([1]))], keepdims=0)
    return writer.node("Cast", [longest], to=TensorProto.INT32)


def _recurrent(
    writer: NodeWriter,
    layer: network.Recurrent,
    steps: StepNames,
    learned: Mapping[str, numpy.ndarray],
    length: int,
) -> StepNames:
    def arrays(name: str) -> numpy.ndarray:
        """Of each direction, the array of this name in ONNX' order of gates."""
        order = list(_GATES[layer.cell])
        split = (learned[f"{way}.{name}_l0"].reshape(len(order), layer.units, -1) for way in layer.directions)
        return numpy.stack([gates[order].reshape(len(order) * layer.units, -1) for gates in split])

    biases = numpy.concatenate([arrays("bias_ih"), arrays("bias_hh")], axis=1)[:, :, 0]
    by_step = writer.node("Transpose", [steps.values], perm=(1, 0, 2))
    inputs = [
        by_step,
        writer.constant(arrays("weight_ih")),
        writer.constant(arrays("weight_hh")),
        writer.constant(biases),
        _lengths(writer, steps.present, length),
    ]
    options = {"linear_before_reset": 1} if layer.cell == "gru" else {}
    direction = "bidirectional" if layer.bidirectional else "forward"
    found = writer.node(layer.cell.upper(), inputs, hidden_size=layer.units, direction=direction, **options)
    by_row = writer.node("Transpose", [found], perm=(2, 0, 1, 3))
    shape = writer.constant(numpy.array([0, 0, len(layer.directions) * layer.units]))
    return StepNames(writer.node("Reshape", [by_row, shape]), steps.present)


def _of_each(
    writer: NodeWriter,
    layer: network.Positions | network.Dense | network.LayerNormalization,
    values: str,
    learned: Mapping[str, numpy.ndarray],
) -> str:
    """What a layer makes of each step alone."""
    match layer:
        case network.Positions():
            return _added(writer, values, learned["vectors"])
        case network.Dense():
            return _dense(writer, values, learned)
        case network.LayerNormalization():
            return _normalized(writer, values, learned)


def _added(writer: NodeWriter, values: str, array: numpy.ndarray) -> str:
    return writer.node("Add", [values, writer.constant(array)])


def _dense(writer: NodeWriter, values: str, learned: Mapping[str, numpy.ndarray], part: str = "") -> str:
    """The same sums of each step."""
    weight = writer.constant(numpy.ascontiguousarray(learned[f"{part}weight"].T))
    return _added(writer, writer.node("MatMul", [values, weight]), learned[f"{part}bias"])


def _normalized(writer: NodeWriter, values: str, learned: Mapping[str, numpy.ndarray], part: str = "") -> str:
    inputs = [values, *(writer.constant(learned[f"{part}{name}"]) for name in ("weight", "bias"))]
    return writer.node("LayerNormalization", inputs, axis=-1, epsilon=network.LayerNormalization.epsilon)


def _encoded(
    writer: NodeWriter,
    layer: network.EncoderBlock,
    steps: StepNames,
    learned: Mapping[str, numpy.ndarray],
    shape: tuple[int, ...],
) -> StepNames:
    """Attention over the steps that are there and two dense layers, each added to what it read."""
    asked = _dense(writer, _normalized(writer, steps.values, learned, "before_attention."), learned, "asked.")
    heard = _attention(writer, layer, asked, steps.present, shape)
    values = writer.node("Add", [steps.values, _dense(writer, heard, learned, "answered.")])
    wide = _dense(writer, _normalized(writer, values, learned, "dense.0."), learned, "dense.1.")
    narrow = _dense(writer, writer.node("Gelu", [wide]), learned, "dense.4.")
    return StepNames(writer.node("Add", [values, narrow]), steps.present)


def _attention(
    writer: NodeWriter, layer: network.EncoderBlock, asked: str, present: str, shape: tuple[int, ...]
) -> str:
    """What each head has heard of all steps, side by side; steps that are not there weigh nothing."""
    length, size = shape[0], layer.head_size(shape[1])
    split_shape = writer.constant(numpy.array([0, length, 3, layer.heads, size]))
    split = writer.node("Reshape", [asked, split_shape])
    by_head = writer.node("Transpose", [split], perm=(2, 0, 3, 1, 4))
    queries, keys, answers = (
        writer.node("Gather", [by_head, writer.constant(numpy.array(part))], axis=0) for part in range(3)
    )
    products = writer.node("MatMul", [queries, writer.node("Transpose", [keys], perm=(0, 1, 3, 2))])
    root = writer.constant(numpy.array(math.sqrt(size), numpy.float32))
    seen = writer.node("Unsqueeze", [present, writer.constant(numpy.array([1, 2]))])
    masked = writer.constant(numpy.array(network.MASKED, numpy.float32))
    scores = writer.node("Where", [seen, writer.node("Div", [products, root]), masked])
    heard = writer.node("MatMul", [writer.node("Softmax", [scores], axis=3), answers])
    by_step = writer.node("Transpose", [heard], perm=(0, 2, 1, 3))
    joined = writer.constant(numpy.array([0, length, layer.heads * size]))
    return writer.node("Reshape", [by_step, joined])


def _pooled(writer: NodeWriter, layer: network.StepPooling, steps: StepNames) -> str:
    axis = writer.constant(numpy.array([1]))
    count = writer.node(
        "ReduceSum", [writer.node("Cast", [steps.present], to=TensorProto.FLOAT), axis], keepdims=1
    )
    if layer.kind == "mean":
        total = writer.node("ReduceSum", [_where_present(writer, steps, 0.0), axis], keepdims=0)
        return writer.node(
            "Div", [total, writer.node("Max", [count, writer.constant(numpy.array([1], numpy.float32))])]
        )
    largest = writer.node("ReduceMax", [_where_present(writer, steps, network.MASKED), axis], keepdims=0)
    zero = writer.constant(numpy.array([0], numpy.float32))
    return writer.node("Where", [writer.node("Greater", [count, zero]), largest, zero])
