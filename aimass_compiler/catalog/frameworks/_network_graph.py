"""A trained network as an ONNX graph, from its layers and what they learned in whichever framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onnx import TensorProto, helper

from aimass_compiler.catalog import network
from aimass_compiler.catalog.frameworks import _sequence_graph
from aimass_compiler.catalog.frameworks._node_writer import NodeWriter
from aimass_compiler.conventions import ONNX_IR_VERSION, ONNX_OPSETS

if TYPE_CHECKING:
    import numpy
    import onnx

    from aimass_compiler.catalog.frameworks._parameters import Parameters
    from aimass_compiler.catalog.network import Layer
    from aimass_compiler.catalog.task import Task


def network_graph(
    layers: Sequence[Layer], parameters: Parameters, shape: tuple[int, ...], task: Task
) -> onnx.ModelProto:
    """From `rows` [N, *shape] to `answer`: probabilities [N, K], or numbers [N, 1].

    Rows are float32, or int64 where they hold codes of words.
    Operators: https://onnx.ai/onnx/operators/
    """
    writer = NodeWriter()
    value: Any = "rows"
    before = shape
    for layer, learned in zip(layers, parameters, strict=True):
        if isinstance(layer, network.Dropout):
            pass
        elif isinstance(layer, network.SEQUENCE_LAYERS) or isinstance(value, _sequence_graph.StepNames):
            value = _sequence_graph.written(writer, layer, value, learned, before)
        else:
            value = _written(writer, layer, value, learned)
        before = layer.shape_after(before)
    ending: dict[str, Any] = {"op_type": "Identity"}
    if task.is_classification:
        ending = {"op_type": "Sigmoid"} if task.is_multilabel else {"op_type": "Softmax", "axis": 1}
    writer.nodes.append(helper.make_node(inputs=[value], outputs=["answer"], **ending))
    kind = TensorProto.INT64 if isinstance(layers[0], network.Embedding) else TensorProto.FLOAT
    graph = helper.make_graph(
        writer.nodes,
        "network",
        [helper.make_tensor_value_info("rows", kind, ["N", *shape])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["N", task.outputs])],
        writer.constants,
    )
    opsets = [helper.make_opsetid("", ONNX_OPSETS[""])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ONNX_IR_VERSION)


def _written(writer: NodeWriter, layer: Layer, value: str, learned: Mapping[str, numpy.ndarray]) -> str:
    """The node that computes a layer."""
    inputs = [value, *(writer.constant(array) for array in learned.values())]
    match layer:
        case network.Dense():
            return writer.node("Gemm", inputs, transB=1)
        case network.Convolution():
            before, after = layer.padding
            return writer.node("Conv", inputs, pads=[before, before, after, after])
        case network.BatchNormalization():
            return writer.node("BatchNormalization", inputs, epsilon=layer.epsilon)
        case network.Activation(function):
            return writer.node(
                {"relu": "Relu", "gelu": "Gelu", "elu": "Elu", "tanh": "Tanh"}[function], inputs
            )
        case network.Pooling(kind, size):
            operator = {"max": "MaxPool", "average": "AveragePool"}[kind]
            return writer.node(operator, inputs, kernel_shape=size, strides=size)
        case network.Flatten():
            return writer.node("Flatten", inputs)
    raise NotImplementedError(type(layer).__name__)
