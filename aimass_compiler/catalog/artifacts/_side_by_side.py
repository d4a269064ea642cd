"""The graphs of several labels, a model of two classes for each, as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import TensorProto, compose, helper

from aimass_compiler.catalog.artifacts import _graphs

if TYPE_CHECKING:
    from collections.abc import Sequence


def side_by_side(models: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """Graphs of two classes each as one: from the same `features` to `scores`, the second column of each."""
    newest = _graphs.newest_opsets(models)
    ir_version = max(model.ir_version for model in models)
    raised = [_graphs.raised_to(model, newest, ir_version) for model in models]
    renamed = [
        compose.add_prefix(model, f"label{at}/", rename_inputs=False) for at, model in enumerate(raised)
    ]
    joined = renamed[0]
    part = _graphs.GraphPart("labels/")
    second = part.whole([1])
    columns = [part.add("Gather", model.graph.output[0].name, second, axis=1) for model in renamed]
    del joined.graph.output[:]
    for model in renamed[1:]:
        joined.graph.node.extend(model.graph.node)
        joined.graph.initializer.extend(model.graph.initializer)
        joined.graph.value_info.extend(model.graph.value_info)
    joined.graph.node.extend([*part.nodes, helper.make_node("Concat", columns, ["scores"], axis=1)])
    joined.graph.initializer.extend(part.constants)
    joined.graph.output.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", len(models)]))
    onnx.checker.check_model(joined, full_check=True)
    return joined
