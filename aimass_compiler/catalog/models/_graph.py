"""What every exported model is made into: a graph from `features` to `scores`, ready to be merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.conventions import ONNX_IR_VERSION, ONNX_OPSETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy
    import onnx

    from aimass_compiler.catalog.models._scale import Scale
    from aimass_compiler.task import Task

_SCORES_SHAPE = "scores_shape"


def from_output(
    model: onnx.ModelProto, output: str, features: Sequence[int], task: Task, scale: Scale | None
) -> onnx.ModelProto:
    """The part of a converted model that computes `output`, as a graph from `features` to `scores`.

    `features` is the shape of one row. What only the model's other outputs need is left out; its inputs
    and outputs may be double. Predictions that were learnt to a scale are brought back to their unit.
    """
    import numpy
    from onnx import helper, numpy_helper
    from onnx.utils import Extractor

    own = model.graph.input[0]
    part = Extractor(model).extract_model([own.name], [output]).graph
    nodes = [
        helper.make_node("Cast", ["features"], [own.name], to=own.type.tensor_type.elem_type),
        *part.node,
        helper.make_node("Reshape", [output, _SCORES_SHAPE], ["shaped"]),
        helper.make_node("Cast", ["shaped"], ["typed"], to=_type_of(task)),
    ]
    if scale is None:
        return _assembled(
            [*nodes, helper.make_node("Identity", ["typed"], ["scores"])], part.initializer, features, task
        )
    nodes += [
        helper.make_node("Mul", ["typed", "deviation"], ["stretched"]),
        helper.make_node("Add", ["stretched", "mean"], ["scores"]),
    ]
    constants = [
        numpy_helper.from_array(numpy.array(value, numpy.float64), name)
        for name, value in (("deviation", scale.deviation), ("mean", scale.mean))
    ]
    return _assembled(nodes, [*part.initializer, *constants], features, task)


def linear(weights: numpy.ndarray, bias: numpy.ndarray, task: Task) -> onnx.ModelProto:
    """`features · weights + bias` for weights [F, K], made probabilities for classes, computed in double.

    In single precision, features of some thousands would move probabilities by more than 1e-5.
    """
    import numpy
    from onnx import TensorProto, helper, numpy_helper

    answer = {"op_type": "Softmax", "axis": 1} if task.is_classification else {"op_type": "Identity"}
    nodes = [
        helper.make_node("Cast", ["features"], ["precise"], to=TensorProto.DOUBLE),
        helper.make_node("MatMul", ["precise", "weights"], ["products"]),
        helper.make_node("Add", ["products", "bias"], ["sums"]),
        helper.make_node(inputs=["sums"], outputs=["answer"], **answer),
        helper.make_node("Reshape", ["answer", _SCORES_SHAPE], ["shaped"]),
        helper.make_node("Cast", ["shaped"], ["scores"], to=_type_of(task)),
    ]
    constants = {"weights": weights, "bias": bias}
    initializers = [
        numpy_helper.from_array(value.astype(numpy.float64), name) for name, value in constants.items()
    ]
    return _assembled(nodes, initializers, [weights.shape[0]], task)


def _type_of(task: Task) -> int:
    """The type of the scores: a number has the digits of the target, which may need a double."""
    from onnx import TensorProto

    return int(TensorProto.FLOAT if task.is_classification else TensorProto.DOUBLE)


def _assembled(nodes: Any, initializers: Any, features: Sequence[int], task: Task) -> onnx.ModelProto:
    """A checked model of these nodes, of which one gives `scores`."""
    import onnx
    from onnx import TensorProto, helper

    scores = [task.outputs] if task.is_classification else []
    lengths = helper.make_tensor(_SCORES_SHAPE, TensorProto.INT64, [1 + len(scores)], [-1, *scores])
    graph = helper.make_graph(
        list(nodes),
        "model",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", *features])],
        [helper.make_tensor_value_info("scores", _type_of(task), ["N", *scores])],
        [*initializers, lengths],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in ONNX_OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=ONNX_IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model
