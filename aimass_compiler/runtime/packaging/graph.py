"""Transforms and model joined into one graph: raw columns in, probabilities or a number out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import TensorProto, compose, helper, version_converter

from aimass_compiler import conventions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.task import Task

#: Before the names of the model's nodes, so that they never meet those of the transforms.
_PREFIX = "model/"
#: Before the names that are added here.
_OWN = "package/"


def join(features: onnx.ModelProto, model: onnx.ModelProto, task: Task) -> onnx.ModelProto:
    """The graph that serving runs; its outputs are those of `conventions`.

    The inputs are those of `features`. A classification gives `probabilities` float32 [N, K] and
    `label` string [N], a regression `prediction` float64 [N].
    """
    features, model = _harmonised(features, model)
    joined = compose.merge_models(features, model, io_map=[("features", "features")], prefix2=_PREFIX)
    del joined.opset_import[len(features.opset_import) :]  # merge_models keeps both lists, which are the same
    scores = f"{_PREFIX}scores"
    del joined.graph.output[:]
    if task.is_classification:
        _add_classes(joined.graph, scores, task.classes)
    else:
        _add_prediction(joined.graph, scores)
    joined.producer_name = conventions.MANAGER
    joined.graph.name = "package"
    onnx.checker.check_model(joined)
    return joined


def _harmonised(features: onnx.ModelProto, model: onnx.ModelProto) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Both with the newer of their operator sets and formats: older ones convert upwards, never down."""
    newest: dict[str, int] = {}
    for graph in (features, model):
        for domain, version in _opsets(graph).items():
            newest[domain] = max(version, newest.get(domain, 0))
    ir_version = max(features.ir_version, model.ir_version)
    return _raised(features, newest, ir_version), _raised(model, newest, ir_version)


def _opsets(model: onnx.ModelProto) -> dict[str, int]:
    """The versions by domain; `ai.onnx` is the other name of the default domain."""
    return {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import}


def _raised(model: onnx.ModelProto, opsets: dict[str, int], ir_version: int) -> onnx.ModelProto:
    own = _opsets(model).get("", opsets[""])
    raised = version_converter.convert_version(model, opsets[""]) if own != opsets[""] else onnx.ModelProto()
    if own == opsets[""]:
        raised.CopyFrom(model)
    del raised.opset_import[:]
    raised.opset_import.extend(
        helper.make_opsetid(domain, version) for domain, version in sorted(opsets.items())
    )
    raised.ir_version = ir_version
    return raised


def _add_classes(graph: onnx.GraphProto, scores: str, classes: Sequence[str]) -> None:
    names = helper.make_tensor(
        f"{_OWN}classes", TensorProto.STRING, [len(classes)], [name.encode() for name in classes]
    )
    graph.initializer.append(names)
    graph.node.extend(
        (
            helper.make_node("Identity", [scores], [conventions.PROBABILITIES_OUTPUT], name="probabilities"),
            helper.make_node("ArgMax", [scores], [f"{_OWN}likeliest"], name="likeliest", axis=1, keepdims=0),
            helper.make_node(
                "Gather", [f"{_OWN}classes", f"{_OWN}likeliest"], [conventions.LABEL_OUTPUT], name="label"
            ),
        )
    )
    shape = ["N", len(classes)]
    graph.output.extend(
        (
            helper.make_tensor_value_info(conventions.PROBABILITIES_OUTPUT, TensorProto.FLOAT, shape),
            helper.make_tensor_value_info(conventions.LABEL_OUTPUT, TensorProto.STRING, ["N"]),
        )
    )


def _add_prediction(graph: onnx.GraphProto, scores: str) -> None:
    graph.initializer.append(helper.make_tensor(f"{_OWN}flat", TensorProto.INT64, [1], [-1]))
    shaped, answer = f"{_OWN}shaped", conventions.PREDICTION_OUTPUT
    graph.node.extend(
        (
            helper.make_node("Reshape", [scores, f"{_OWN}flat"], [shaped], name="flat"),
            helper.make_node("Cast", [shaped], [answer], name="prediction", to=TensorProto.DOUBLE),
        )
    )
    graph.output.append(
        helper.make_tensor_value_info(conventions.PREDICTION_OUTPUT, TensorProto.DOUBLE, ["N"])
    )
