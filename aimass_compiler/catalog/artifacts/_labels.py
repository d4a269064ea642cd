"""What a graph answers of several labels: their probabilities, and which reach their thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto, helper

from aimass_compiler import conventions

if TYPE_CHECKING:
    import onnx

    from aimass_compiler.catalog.task import Task, Thresholds


def add_labels(graph: onnx.GraphProto, scores: str, task: Task, threshold: Thresholds | None) -> None:
    """The probability of each label, and whether it reaches the label's threshold."""
    least, shape = "package/thresholds", ["N", task.outputs]
    limits = task.thresholds(threshold)
    graph.initializer.append(helper.make_tensor(least, TensorProto.FLOAT, [len(limits)], limits))
    chances, given = conventions.PROBABILITIES_OUTPUT, conventions.LABELS_OUTPUT
    graph.node.extend(
        (
            helper.make_node("Identity", [scores], [chances], name="probabilities"),
            helper.make_node("GreaterOrEqual", [scores, least], [given], name="labels"),
        )
    )
    graph.output.extend(
        (
            helper.make_tensor_value_info(chances, TensorProto.FLOAT, shape),
            helper.make_tensor_value_info(given, TensorProto.BOOL, shape),
        )
    )
