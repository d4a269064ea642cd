"""The model that every server answers with: logistic regression over thirty numbers.

A linear model takes next to no time, so that what is compared is the servers.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

import numpy
from onnx import TensorProto, helper, numpy_helper

from aimass_compiler import conventions
from aimass_compiler.runtime.packaging.manifest import manifest_of

if TYPE_CHECKING:
    from pathlib import Path

NAMES = tuple(f"feature_{index:02}" for index in range(30))
LABELS = ("no", "yes")
#: Beside the package, which holds nothing that its manifest does not list; what reads no ONNX reads it.
WEIGHTS_FILE = "weights.npy"
_GENERATOR = numpy.random.default_rng(7)
WEIGHTS = _GENERATOR.normal(size=len(NAMES)).astype(numpy.float32)
ROW = [round(float(value), 4) for value in _GENERATOR.normal(size=len(NAMES))]
_DECILES = [-1.28, -0.84, -0.52, -0.25, 0.0, 0.25, 0.52, 0.84, 1.28]


def write_package(folder: Path) -> None:
    """Write a package with bounds on every number and a reference for its drift."""
    content = _graph().SerializeToString(deterministic=True)
    outputs = [
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(LABELS)], "labels": LABELS},
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
    ]
    signature = {
        "format": conventions.PACKAGE_FORMAT,
        "model": "bench",
        "version": hashlib.sha256(content).hexdigest()[:12],
        "task": "classification",
        "trained_at": "2026-01-02T03:04:05Z",
        "inputs": [_column(index, name) for index, name in enumerate(NAMES)],
        "ignored": [],
        "outputs": outputs,
        "example": dict(zip(NAMES, ROW, strict=True)),
    }
    number = {"kind": "number", "edges": _DECILES, "fractions": [0.1] * 10, "missing": 0.0}
    labels = {"kind": "category", "values": LABELS, "fractions": [0.5, 0.5], "other": 0.0, "missing": 0.0}
    reference = {
        "format": conventions.REFERENCE_FORMAT,
        "rows": 1000,
        "inputs": dict.fromkeys(NAMES, number),
        "prediction": labels,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / conventions.MODEL_FILE).write_bytes(content)
    (folder / conventions.SIGNATURE_FILE).write_text(json.dumps(signature))
    (folder / conventions.REFERENCE_FILE).write_text(json.dumps(reference))
    score = float(numpy.array(ROW, dtype=numpy.float32) @ WEIGHTS)
    share = 1 / (1 + math.exp(-score))
    prediction = {
        "label": LABELS[int(share > 0.5)],
        "probabilities": dict(zip(LABELS, (1 - share, share), strict=True)),
    }
    golden = {
        "format": conventions.GOLDEN_FORMAT,
        "rows": [signature["example"]],
        "predictions": [prediction],
    }
    (folder / conventions.GOLDEN_FILE).write_text(json.dumps(golden))
    (folder / conventions.MANIFEST_FILE).write_text(json.dumps(manifest_of(folder)))
    numpy.save(folder.parent / WEIGHTS_FILE, WEIGHTS)


def _column(index: int, name: str) -> dict[str, Any]:
    place = {"tensor": conventions.NUMBERS_TENSOR, "index": index}
    return {"name": name, "type": "number", "min": -100, "max": 100, "nullable": True, "unit": "", **place}


def _graph() -> Any:
    weights = numpy.stack([-WEIGHTS / 2, WEIGHTS / 2], axis=1)
    nodes = [
        helper.make_node("Cast", ["numbers"], ["single"], to=TensorProto.FLOAT),
        helper.make_node("IsNaN", ["single"], ["absent"]),
        helper.make_node("Where", ["absent", "zero", "single"], ["x"]),
        helper.make_node("MatMul", ["x", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["likeliest"], axis=1, keepdims=0),
        helper.make_node("Gather", ["classes", "likeliest"], ["label"]),
    ]
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(numpy.zeros((), dtype=numpy.float32), "zero"),
        helper.make_tensor("classes", TensorProto.STRING, [2], [label.encode() for label in LABELS]),
    ]
    inputs = [helper.make_tensor_value_info("numbers", TensorProto.DOUBLE, ["N", len(NAMES)])]
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(LABELS)]),
        helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]),
    ]
    return helper.make_model(
        helper.make_graph(nodes, "bench", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
