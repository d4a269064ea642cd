"""Tiny packages made by hand: a classification, a regression and one that reads pictures."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from aimass_compiler import conventions
from aimass_compiler.runtime.packaging.manifest import manifest_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import onnx
    from numpy.typing import NDArray

LABELS = ["no", "yes"]
PLANS = ["basic", "plus", "pro"]
CHURN_EXAMPLE = {"tenure": 3.0, "age": 40.0, "plan": "basic", "note": "hello"}
CHURN_INPUTS: list[dict[str, Any]] = [
    {
        "name": "tenure", "type": "number", "tensor": "numbers", "index": 0,
        "min": 0, "max": None, "nullable": True, "unit": "months",
    },
    {
        "name": "age", "type": "number", "tensor": "numbers", "index": 1,
        "min": 16, "max": 120, "nullable": False, "unit": "",
    },
    {"name": "plan", "type": "category", "tensor": "strings", "index": 0, "values": PLANS, "nullable": False},
    {"name": "note", "type": "text", "tensor": "strings", "index": 1, "nullable": True},
]  # fmt: skip
CHURN_REFERENCE = {
    "inputs": {
        "tenure": {
            "kind": "number",
            "edges": [1.0, 2.0, 4.0],
            "fractions": [0.25, 0.25, 0.25, 0.2],
            "missing": 0.05,
        },
        "plan": {
            "kind": "category",
            "values": PLANS,
            "fractions": [0.5, 0.3, 0.2],
            "other": 0.0,
            "missing": 0.0,
        },
    },
    "prediction": {
        "kind": "category",
        "values": LABELS,
        "fractions": [0.6, 0.4],
        "other": 0.0,
        "missing": 0.0,
    },
}
_PRICE_REFERENCE = {
    "inputs": {},
    "prediction": {"kind": "number", "edges": [1.0, 10.0], "fractions": [0.3, 0.4, 0.3], "missing": 0.0},
}
_WEIGHTS = [[0.3, -0.3], [-0.02, 0.02], [0.5, -0.5], [0.0, 0.1]]


def churn(folder: Path) -> Path:
    """A classification of two numbers and two strings."""
    nodes = [
        *_filled("numbers", "filled"),
        helper.make_node(
            "LabelEncoder", ["strings"], ["codes"], domain="ai.onnx.ml",
            keys_strings=["basic", "plus", "pro"], values_floats=[0.0, 1.0, 2.0], default_float=-1.0,
        ),
        helper.make_node("Concat", ["filled", "codes"], ["x"], axis=1),
        *_classified("x"),
    ]  # fmt: skip
    inputs = [_tensor("numbers", TensorProto.DOUBLE, 2), _tensor("strings", TensorProto.STRING, 2)]
    weights = {"weights": numpy.array(_WEIGHTS, dtype=numpy.float32)}
    graph = _graph(nodes, inputs, _CLASSIFIED, weights)
    return write(folder, graph, CHURN_INPUTS, CHURN_EXAMPLE, CHURN_REFERENCE, ignored=["customer_id"])


def churn_probabilities(tenure: float, age: float, plan: str) -> NDArray[numpy.float32]:
    """What the churn model answers for a row whose note is unknown to it."""
    x = numpy.array([tenure, age, PLANS.index(plan), -1.0], dtype=numpy.float32)
    scores = numpy.exp(x @ numpy.array(_WEIGHTS, dtype=numpy.float32))
    shares: NDArray[numpy.float32] = scores / scores.sum()
    return shares


def price(folder: Path, columns: int = 3) -> Path:
    """A regression that adds its numbers up."""
    nodes = [
        *_filled("numbers", "x"),
        helper.make_node("MatMul", ["x", "weights"], ["sums"]),
        helper.make_node("Reshape", ["sums", "flat"], ["prediction"]),
    ]
    outputs = [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N"])]
    weights: dict[str, NDArray[Any]] = {
        "weights": numpy.ones((columns, 1), dtype=numpy.float32),
        "flat": numpy.array([-1], dtype=numpy.int64),
    }
    graph = _graph(nodes, [_tensor("numbers", TensorProto.DOUBLE, columns)], outputs, weights)
    names = [f"x{index}" for index in range(columns)]
    inputs = [
        {"name": name, "type": "number", "tensor": "numbers", "index": index, "min": None, "max": None,
         "nullable": False, "unit": ""}
        for index, name in enumerate(names)
    ]  # fmt: skip
    return write(folder, graph, inputs, dict.fromkeys(names, 1.5), _PRICE_REFERENCE, model="price")


def slow(folder: Path) -> Path:
    """A regression that answers its only number, after it has counted to the sum of all, one by one."""
    nodes = [
        helper.make_node("ReduceSum", ["numbers"], ["sum"], keepdims=0),
        helper.make_node("Cast", ["sum"], ["turns"], to=TensorProto.INT64),
        helper.make_node("Loop", ["turns", "", "zero"], ["counted"], body=_counting()),
        helper.make_node("Cast", ["numbers"], ["single"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["single", "columns"], ["rows"], keepdims=0),
        helper.make_node("Min", ["rows", "counted"], ["prediction"]),
    ]
    outputs = [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N"])]
    constants = {"columns": numpy.array([1], dtype=numpy.int64)}
    graph = _graph(nodes, [_tensor("numbers", TensorProto.DOUBLE, 1)], outputs, constants)
    inputs = [
        {"name": "count", "type": "number", "tensor": "numbers", "index": 0, "min": 0, "max": None,
         "nullable": False, "unit": ""}
    ]  # fmt: skip
    return write(folder, graph, inputs, {"count": 1.0}, _PRICE_REFERENCE, model="slow")


def _counting() -> onnx.GraphProto:
    """The body of a loop that adds one to what it carries."""
    scalar = helper.make_tensor_value_info
    return helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes"]),
            helper.make_node("Add", ["count", "one"], ["more"]),
        ],
        "count",
        [
            scalar("turn", TensorProto.INT64, []),
            scalar("going", TensorProto.BOOL, []),
            scalar("count", TensorProto.FLOAT, []),
        ],
        [scalar("goes", TensorProto.BOOL, []), scalar("more", TensorProto.FLOAT, [])],
        [numpy_helper.from_array(numpy.ones((), dtype=numpy.float32), "one")],
    )


def digits(folder: Path) -> Path:
    """A classification of pictures of one channel, two by two."""
    nodes = [helper.make_node("Flatten", ["picture"], ["x"]), *_classified("x")]
    inputs = [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["N", 1, 2, 2])]
    graph = _graph(nodes, inputs, _CLASSIFIED, {"weights": numpy.array(_WEIGHTS, dtype=numpy.float32)})
    columns = [
        {"name": "picture", "type": "image", "tensor": "picture", "shape": [1, 2, 2], "nullable": False}
    ]
    reference: dict[str, Any] = {"inputs": {}, "prediction": CHURN_REFERENCE["prediction"]}
    return write(folder, graph, columns, {"picture": [[[0, 0.5], [1, 0]]]}, reference, model="digits")


def write(  # noqa: PLR0913, PLR0917  # the parts of a package, most with a default
    folder: Path,
    graph: onnx.ModelProto,
    inputs: list[dict[str, Any]],
    example: dict[str, Any],
    reference: dict[str, Any],
    model: str = "churn",
    ignored: Sequence[str] = (),
    labels: Sequence[str] = LABELS,
) -> Path:
    """Write the three files of a package."""
    content = graph.SerializeToString(deterministic=True)
    (answer, *_) = graph.graph.output
    is_classification = answer.name == "probabilities"
    is_double = answer.type.tensor_type.elem_type == TensorProto.DOUBLE
    outputs: list[dict[str, Any]] = [
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(labels)], "labels": list(labels)},
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
    ]
    signature = {
        "format": conventions.PACKAGE_FORMAT,
        "model": model,
        "version": hashlib.sha256(content).hexdigest()[:12],
        "task": "classification" if is_classification else "regression",
        "trained_at": "2026-01-02T03:04:05Z",
        "inputs": inputs,
        "ignored": list(ignored),
        "outputs": outputs
        if is_classification
        else [{"name": "prediction", "datatype": "FP64" if is_double else "FP32", "shape": [-1]}],
        "example": example,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / conventions.MODEL_FILE).write_bytes(content)
    (folder / conventions.SIGNATURE_FILE).write_text(json.dumps(signature))
    described = {"format": conventions.REFERENCE_FORMAT, "rows": 100, **reference}
    (folder / conventions.REFERENCE_FILE).write_text(json.dumps(described))
    return seal(folder)


def explaining(folder: Path, rows: list[dict[str, Any]], of: str | None = None, **known: Any) -> Path:
    """Give a package rows to explain its answers with."""
    path = folder / conventions.REFERENCE_FILE
    reference = json.loads(path.read_text()) | {"background": {"of": of, "rows": rows, **known}}
    path.write_text(json.dumps(reference))
    return listed(folder)


def seal(folder: Path) -> Path:
    """Add to the files of a package what it answers to its example, and the manifest."""
    document = json.loads((folder / conventions.SIGNATURE_FILE).read_text())
    golden = {"format": conventions.GOLDEN_FORMAT, **answered(folder, [document["example"]])}
    (folder / conventions.GOLDEN_FILE).write_text(json.dumps(golden))
    return listed(folder)


def listed(folder: Path) -> Path:
    """Write the manifest of the files as they are now."""
    (folder / conventions.MANIFEST_FILE).write_text(json.dumps(manifest_of(folder)))
    return folder


def answered(folder: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the graph answers to rows, asked by hand."""
    document = json.loads((folder / conventions.SIGNATURE_FILE).read_text())
    session = onnxruntime.InferenceSession(folder / conventions.MODEL_FILE)
    tensors = {}
    for name, kind in (("numbers", numpy.float64), ("strings", object)):
        columns = sorted(
            (column["index"], column["name"]) for column in document["inputs"] if column["tensor"] == name
        )
        if columns:
            tensors[name] = numpy.array([[row[column] for _, column in columns] for row in rows], dtype=kind)
    for column in document["inputs"]:
        if column["type"] == "image":
            tensors[column["name"]] = numpy.array([row[column["name"]] for row in rows], numpy.float32)
    found = dict(
        zip((output.name for output in session.get_outputs()), session.run(None, tensors), strict=True)
    )
    if "prediction" in found:
        return {
            "rows": rows,
            "predictions": [{"prediction": value} for value in found["prediction"].tolist()],
        }
    labels = document["outputs"][0]["labels"]
    predictions = [
        {"label": label, "probabilities": dict(zip(labels, shares, strict=True))}
        for label, shares in zip(found["label"], found["probabilities"].tolist(), strict=True)
    ]
    return {"rows": rows, "predictions": predictions}


_CLASSIFIED = [
    helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2]),
    helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]),
]


def _tensor(name: str, kind: int, columns: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["N", columns])


def _filled(name: str, filled: str) -> list[onnx.NodeProto]:
    """The numbers as float32, with zero for those that are missing."""
    return [
        helper.make_node("Cast", [name], ["single"], to=TensorProto.FLOAT),
        helper.make_node("IsNaN", ["single"], ["absent"]),
        helper.make_node("Where", ["absent", "zero", "single"], [filled]),
    ]


def _classified(x: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("MatMul", [x, "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["likeliest"], axis=1, keepdims=0),
        helper.make_node("Gather", ["classes", "likeliest"], ["label"]),
    ]


def _graph(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: dict[str, NDArray[Any]],
) -> onnx.ModelProto:
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    constants.append(numpy_helper.from_array(numpy.zeros((), dtype=numpy.float32), "zero"))
    constants.append(
        helper.make_tensor("classes", TensorProto.STRING, [2], [label.encode() for label in LABELS])
    )
    return helper.make_model(
        helper.make_graph(nodes, "package", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=9,
    )
