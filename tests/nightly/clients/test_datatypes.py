"""A trained model of trees is answered alike in every datatype that its server takes."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import pytest
from server.serving import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEC = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: stones}
data:
  sources: {d: data/d.jsonl}
  columns:
    carat: {type: number, min: 0}
    depth: {type: number, missing: 0.1}
    table: number
    is_cut: {type: category, values: ["false", "true"]}
    grade: {type: category, values: ["1", "2", "3"]}
    price: number
  split: {by: random, train: 0.6, validation: 0.2, test: 0.2}
target: price
features: [{standardize: [carat, depth, table]}, {one_hot: [is_cut, grade]}]
model: {xgboost: {max_depth: 6, learning_rate: 0.3}}
objective: {metric: root_mean_squared_error}
serving: {tests: {load: {rps: 20, for: 5s}}}
"""
CHANCE = numpy.random.default_rng(7)
ROWS: list[dict[str, Any]] = [
    {
        "carat": round(float(CHANCE.gamma(2, 0.4)), 2),
        "depth": None if number % 20 == 0 else round(float(CHANCE.normal(61, 2)), 1),
        "table": int(CHANCE.integers(50, 70)),
        "is_cut": bool(CHANCE.integers(2)),
        "grade": int(CHANCE.integers(1, 4)),
    }
    for number in range(2_000)
]
NUMPY = {
    "FP64": "<f8", "FP32": "<f4", "FP16": "<f2", "INT64": "<i8", "INT32": "<i4", "INT16": "<i2", "INT8": "i1",
    "UINT64": "<u8", "UINT32": "<u4", "UINT16": "<u2", "UINT8": "u1",
}  # fmt: skip


@pytest.fixture(scope="module")
def stones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves trees that learnt prices of stones from rows of JSON."""
    root = tmp_path_factory.mktemp("stones")
    for folder in ("data", "specs"):
        (root / folder).mkdir()
    priced = [
        {**row, "price": 4000 * row["carat"] ** 1.7 + 50 * row["grade"] + 300 * row["is_cut"]} for row in ROWS
    ]
    (root / "data/d.jsonl").write_text("\n".join(map(json.dumps, priced)))
    (root / "specs/stones.yaml").write_text(SPEC)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    command = [Path(sys.executable).parent / "aimass", "run", "stones"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    with serving(root / "artifacts/stones/package/model") as server:
        yield server


def columns_of(rows: list[dict[str, Any]], datatype: str, whole: str) -> dict[str, tuple[str, list[Any]]]:
    """Each column's datatype and values; `whole` is that of whole numbers."""
    kinds = {"carat": datatype, "depth": datatype, "table": whole, "is_cut": "BOOL", "grade": whole}
    return {name: (kind, [row[name] for row in rows]) for name, kind in kinds.items()}


def asked(server: Server, columns: dict[str, tuple[str, list[Any]]], *, is_binary: bool) -> list[float]:
    inputs, parts = [], []
    for name, (datatype, values) in columns.items():
        tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": [len(values), 1]}
        if datatype == "BYTES":
            texts = [str(value).lower().encode() for value in values]
            raw = b"".join(struct.pack("<I", len(text)) + text for text in texts)
            plain: list[Any] = [text.decode() for text in texts]
        else:
            array = numpy.array(values, dtype=bool if datatype == "BOOL" else NUMPY[datatype])
            raw, plain = array.tobytes(), array.tolist()
        if is_binary:
            parts.append(raw)
            inputs.append({**tensor, "parameters": {"binary_data_size": len(raw)}})
        else:
            inputs.append({**tensor, "data": [None if value != value else value for value in plain]})  # noqa: PLR0124  # NaN
    head = json.dumps({"inputs": inputs}).encode()
    length = {"Inference-Header-Content-Length": str(len(head))} if is_binary else {}
    reply = server.ask("POST", "/v2/models/stones/infer", head + b"".join(parts), length)
    assert reply.status == 200, reply.body
    found: list[float] = reply.json["outputs"][0]["data"]
    return found


@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "JSON"])
def test_every_datatype_is_answered_as_rows_are(stones: Server, *, is_binary: bool) -> None:
    rows = ROWS[:1_000]
    plain = [found["prediction"] for found in stones.predict(*rows).json["predictions"]]
    assert len(set(plain)) > 100
    for datatype in ("FP64", "FP32", "FP16"):
        for whole in NUMPY:
            found = asked(stones, columns_of(rows, datatype, whole), is_binary=is_binary)
            numpy.testing.assert_allclose(found, plain, rtol=1e-12, err_msg=f"{datatype} {whole}")
    texts = columns_of(rows, "FP64", "FP64")
    for name in ("is_cut", "grade"):
        texts[name] = ("BYTES", texts[name][1])
    numpy.testing.assert_allclose(asked(stones, texts, is_binary=is_binary), plain, rtol=1e-12)


def test_a_row_of_the_training_file_is_a_row(stones: Server) -> None:
    row = {**ROWS[1], "price": 1.0}
    assert stones.predict(row).json == stones.predict(ROWS[1]).json
    refused = stones.predict({**row, "is_cut": 1})
    assert (refused.status, refused.json["field"]) == (422, "is_cut")
