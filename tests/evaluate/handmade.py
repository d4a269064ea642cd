"""Projects whose earlier stages were done by hand, with graphs of a few nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy
import onnx
import onnxruntime
import polars
from onnx import TensorProto, helper

from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.catalog.task import Task
from aimass_compiler.pipeline.columns import CategoryColumn, IdColumn, ImageColumn, NumberColumn, TextColumn
from aimass_compiler.pipeline.evaluation import Evaluation
from aimass_compiler.runtime.examples import write_examples
from aimass_compiler.runtime.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

CHURN = Task(kind="classification", target="churned", classes=("no", "yes"))
PLAN = Task(kind="classification", target="plan_next", classes=("basic", "plus", "pro"))
PRICE = Task(kind="regression", target="price")

COLUMNS = {
    "customer_id": IdColumn(type="id"),
    "tenure": NumberColumn(type="number", min=-10, missing=0.2, unit="months", description="since joining"),
    "plan": CategoryColumn(type="category", values=("basic", "plus", "pro", "gold")),
    "note": TextColumn(type="text", missing=1.0),
}
TABLE_INPUTS = [
    {"name": "tenure", "type": "number", "tensor": "numbers", "index": 0},
    {"name": "plan", "type": "category", "tensor": "strings", "index": 0},
    {"name": "note", "type": "text", "tensor": "strings", "index": 1},
]
IMAGE_INPUTS = [{"name": "picture", "type": "image", "tensor": "picture", "shape": [1, 2, 3]}]
ROWS = {"train": 400, "validation": 200, "test": 200}
TRAINED_AT = "2026-11-24T12:00:00Z"


@dataclass
class Project:
    """One model's artifacts up to the train stage.

    The model predicts from one column alone, `weight` times it; `noise` is what it cannot know, by split.
    """

    root: Path
    task: Task
    weight: float = 4.0
    noise: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ROWS, 0.5))
    images: bool = False
    opset: int = 17

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root, "churn")

    @property
    def columns(self) -> dict[str, Any]:
        inputs = {"picture": ImageColumn(type="image", shape=(1, 2, 3))} if self.images else dict(COLUMNS)
        target = (
            CategoryColumn(type="category") if self.task.is_classification else NumberColumn(type="number")
        )
        return inputs | {self.task.target: target}

    @property
    def inputs(self) -> list[dict[str, Any]]:
        return IMAGE_INPUTS if self.images else TABLE_INPUTS

    def evaluation(self, **changes: Any) -> Evaluation:
        """What is asked of the model, with the metrics that suit its task."""
        return Evaluation(**{"metrics": self.task.usual_metrics} | changes)

    def make(self) -> Project:
        """Write what prepare, features and train would leave."""
        graph = _picture_features() if self.images else _table_features()
        features = self.workspace.folder("features")
        features.joinpath("features.onnx").write_bytes(graph.SerializeToString())
        shape = [1, 2, 3] if self.images else [2]
        description = {"names": ["tenure", "plan"], "shape": shape, "accepts": "table", "inputs": self.inputs}
        features.joinpath("features.json").write_text(json.dumps(description))
        reference = {"format": "aimass.reference/v1", "rows": 400, "inputs": {}}
        features.joinpath("reference.json").write_text(json.dumps(reference))
        session = onnxruntime.InferenceSession(graph.SerializeToString())
        for number, (split, count) in enumerate(ROWS.items()):
            rows, y = self._rows(numpy.random.default_rng(number), count, self.noise[split])
            rows.write_parquet(self.workspace.folder("prepare") / f"{split}.parquet")
            report = {"written": {"tenure": "float", "plan": "text"}, "undeclared": ["region"], "marks": {}}
            (self.workspace.folder("prepare") / "report.json").write_text(json.dumps(report))
            write_examples(features, split, session.run(None, pack(rows, self.inputs))[0], y)
        model = _model(self.task, self.weight, 6 if self.images else 2, self.opset)
        train = self.workspace.folder("train")
        train.joinpath("model.onnx").write_bytes(model.SerializeToString())
        best = {
            "trained_at": TRAINED_AT,
            "model": "linear_regression",
            "metric": "r2",
            "parameters": {"l2": 1.0},
        }
        train.joinpath("best.json").write_text(json.dumps(best))
        return self

    def read(self, stage: str, name: str) -> Any:
        return json.loads((self.workspace.folder(stage) / name).read_text())

    def _rows(self, chance: numpy.random.Generator, count: int, noise: float) -> tuple[polars.DataFrame, Any]:
        signal = chance.normal(size=count).astype(numpy.float32)
        y = self._truth(signal + noise * chance.normal(size=count).astype(numpy.float32))
        names = [self.task.classes[number] for number in y] if self.task.is_classification else y
        target = polars.Series(self.task.target, names)
        if self.images:
            pictures = numpy.repeat(signal[:, None], 6, axis=1)
            return polars.DataFrame(
                [polars.Series("picture", pictures, dtype=polars.Array(polars.Float32, 6)), target]
            ), y
        plans = chance.choice(["basic", "plus", "pro"], size=count, p=[0.6, 0.38, 0.02])
        table = {
            "customer_id": [str(number) for number in range(count)],
            "tenure": [None if number == 0 else float(value) for number, value in enumerate(signal)],
            "plan": plans.tolist(),
            "note": [None if number % 3 else "naïve <b>note</b>" for number in range(count)],
        }
        return polars.DataFrame(table).with_columns(target), y

    def _truth(self, signal: Any) -> Any:
        if not self.task.is_classification:
            return signal.astype(numpy.float32)
        edges = numpy.quantile(signal, numpy.arange(1, self.task.outputs) / self.task.outputs)
        return numpy.searchsorted(edges, signal).astype(numpy.int64)


def _table_features() -> onnx.ModelProto:
    """`tenure`, 0 where it is missing, and a number for `plan`."""
    nodes = [
        helper.make_node("IsNaN", ["numbers"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "numbers"], ["filled"]),
        helper.make_node("Cast", ["filled"], ["tenure"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["strings", "first"], ["plan"], axis=1),
        helper.make_node(
            "LabelEncoder",
            ["plan"],
            ["code"],
            domain="ai.onnx.ml",
            keys_strings=["basic", "plus", "pro"],
            values_floats=[1.0, 2.0, 3.0],
            default_float=0.0,
        ),
        helper.make_node("Concat", ["tenure", "code"], ["features"], axis=1),
    ]
    constants = [
        helper.make_tensor("zero", TensorProto.DOUBLE, [], [0.0]),
        helper.make_tensor("first", TensorProto.INT64, [1], [0]),
    ]
    inputs = [
        helper.make_tensor_value_info("numbers", TensorProto.DOUBLE, ["N", 1]),
        helper.make_tensor_value_info("strings", TensorProto.STRING, ["N", 2]),
    ]
    return _graph(nodes, inputs, ("features", ["N", 2]), constants, 20)


def _picture_features() -> onnx.ModelProto:
    nodes = [helper.make_node("Identity", ["picture"], ["features"])]
    inputs = [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["N", 1, 2, 3])]
    return _graph(nodes, inputs, ("features", ["N", 1, 2, 3]), [], 20)


def _model(task: Task, weight: float, size: int, opset: int) -> onnx.ModelProto:
    """A linear model of the first feature: straight for a regression, by softmax for classes."""
    weights = numpy.zeros((size, task.outputs), numpy.float32)
    weights[0] = numpy.linspace(-1, 1, task.outputs) * weight if task.is_classification else [weight]
    nodes = [
        helper.make_node("Flatten", ["features"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1)
        if task.is_classification
        else helper.make_node("Identity", ["logits"], ["scores"]),
    ]
    constants = [helper.make_tensor("weights", TensorProto.FLOAT, weights.shape, weights.ravel().tolist())]
    shape = ["N", 2] if size == 2 else ["N", 1, 2, 3]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, shape)]
    return _graph(nodes, inputs, ("scores", ["N", task.outputs]), constants, opset)


def _graph(
    nodes: Any, inputs: Any, output: tuple[str, list[Any]], constants: Any, opset: int
) -> onnx.ModelProto:
    result = helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])
    graph = helper.make_graph(nodes, "handmade", inputs, [result], constants)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8 if opset < 20 else 10)
    onnx.checker.check_model(model)
    return model
