"""A trained network as an ONNX graph, from its layers and what they learned in whichever framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onnx import TensorProto, helper, numpy_helper

from aimass_compiler.catalog import network
from aimass_compiler.conventions import ONNX_IR_VERSION, ONNX_OPSETS

if TYPE_CHECKING:
    import onnx

    from aimass_compiler.catalog.frameworks._parameters import Parameters
    from aimass_compiler.catalog.network import Layer
    from aimass_compiler.catalog.task import Task


def network_graph(
    layers: Sequence[Layer], parameters: Parameters, shape: tuple[int, ...], task: Task
) -> onnx.ModelProto:
    """From `rows` float32 [N, *shape] to `answer`: probabilities [N, K], or numbers [N, 1].

    Operators: https://onnx.ai/onnx/operators/
    """
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    value = "rows"
    for place, (layer, learned) in enumerate(zip(layers, parameters, strict=True)):
        names = {name: f"{place}/{name}" for name in learned}
        constants += [numpy_helper.from_array(array, names[name]) for name, array in learned.items()]
        following = f"{place}/out"
        made = _node(layer, value, names, following)
        if made is not None:
            nodes.append(made)
            value = following
    ending = {"op_type": "Softmax", "axis": 1} if task.is_classification else {"op_type": "Identity"}
    nodes.append(helper.make_node(inputs=[value], outputs=["answer"], **ending))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["N", *shape])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["N", task.outputs])],
        constants,
    )
    opsets = [helper.make_opsetid("", ONNX_OPSETS[""])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ONNX_IR_VERSION)


def _node(layer: Layer, value: str, names: Mapping[str, str], following: str) -> onnx.NodeProto | None:
    """What computes a layer; None where a trained one changes nothing."""
    operator: str
    inputs: list[str] = [value]
    options: dict[str, Any] = {}
    match layer:
        case network.Dense():
            operator, inputs, options = "Gemm", [value, names["weight"], names["bias"]], {"transB": 1}
        case network.Convolution():
            before, after = layer.padding
            operator, inputs = "Conv", [value, names["weight"], names["bias"]]
            options = {"pads": [before, before, after, after]}
        case network.BatchNormalization():
            arrays = ("weight", "bias", "running_mean", "running_var")
            operator, inputs = "BatchNormalization", [value, *(names[array] for array in arrays)]
            options = {"epsilon": layer.epsilon}
        case network.Activation(function):
            operator = {"relu": "Relu", "gelu": "Gelu", "elu": "Elu", "tanh": "Tanh"}[function]
        case network.Pooling(kind, size):
            operator = {"max": "MaxPool", "average": "AveragePool"}[kind]
            options = {"kernel_shape": size, "strides": size}
        case network.Flatten():
            operator = "Flatten"
        case network.Dropout():
            return None
    return helper.make_node(operator, inputs, [following], **options)
