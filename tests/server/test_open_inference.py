"""The Open Inference Protocol: metadata, tensors as JSON and as bytes, and the same answers as /predict."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy
import pytest

from server.packages import PLANS, churn_probabilities

if TYPE_CHECKING:
    from server.serving import Reply, Server

ROWS: list[dict[str, Any]] = [
    {"tenure": 3.5, "age": 40.0, "plan": "basic", "note": "hello"},
    {"tenure": None, "age": 16.0, "plan": "pro", "note": None},
    {"tenure": 0.0, "age": 119.25, "plan": "plus", "note": "größer"},
]
NUMBERS = [[3.5, 40.0], [float("nan"), 16.0], [0.0, 119.25]]
STRINGS = [["basic", "hello"], ["pro", ""], ["plus", "größer"]]


def tensor(name: str, datatype: str, data: list[Any], columns: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "datatype": datatype,
        "shape": [len(data) // columns, columns],
        "data": data,
        **more,
    }


def columns() -> list[dict[str, Any]]:
    kinds = {"tenure": "FP64", "age": "FP64", "plan": "BYTES", "note": "BYTES"}
    return [tensor(name, kind, [row[name] for row in ROWS]) for name, kind in kinds.items()]


def as_bytes(texts: list[str]) -> bytes:
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


def asked_in_bytes(server: Server, outputs: list[dict[str, Any]] | None = None, **parameters: Any) -> Reply:
    """The rows as two packed tensors behind the JSON."""
    numbers = numpy.array(NUMBERS, dtype="<f8").tobytes()
    strings = as_bytes([text for row in STRINGS for text in row])
    inputs = [
        {
            "name": "numbers",
            "datatype": "FP64",
            "shape": [3, 2],
            "parameters": {"binary_data_size": len(numbers)},
        },
        {
            "name": "strings",
            "datatype": "BYTES",
            "shape": [3, 2],
            "parameters": {"binary_data_size": len(strings)},
        },
    ]
    document = {"inputs": inputs, "parameters": parameters, **({"outputs": outputs} if outputs else {})}
    head = json.dumps(document).encode()
    lengths = {"Inference-Header-Content-Length": str(len(head))}
    return server.ask("POST", "/v2/models/churn/infer", head + numbers + strings, lengths)


def outputs(reply: Reply) -> dict[str, Any]:
    assert reply.status == 200, reply.body
    return {output["name"]: output for output in reply.json["outputs"]}


def test_the_server_and_its_model_describe_themselves(churn: Server) -> None:
    assert churn.get("/v2").json["extensions"] == ["binary_tensor_data"]
    described = churn.get("/v2/models/churn").json
    assert described["name"] == "churn"
    assert described["platform"] == "onnx_onnxv1"
    by_name = {column["name"]: column for column in described["inputs"]}
    assert by_name["age"] == {
        "name": "age", "datatype": "FP64", "shape": [-1, 1],
        "parameters": {"type": "number", "nullable": False, "min": 16, "max": 120},
    }  # fmt: skip
    assert by_name["plan"]["parameters"]["values"] == PLANS
    assert [output["name"] for output in described["outputs"]] == ["probabilities", "label"]
    version = described["versions"][0]
    assert churn.get(f"/v2/models/churn/versions/{version}").json == described
    assert churn.get("/v2/models/other").status == 404


def test_health_is_told_of_the_server_and_of_the_model(churn: Server) -> None:
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/churn/ready"):
        assert churn.get(path).status == 200
    assert churn.get("/v2/models/churn/ready").json == {"name": "churn", "ready": True}
    assert churn.get("/v2/").json == churn.get("/v2").json


def test_one_tensor_a_column_is_answered_like_rows(churn: Server) -> None:
    reply = churn.infer("churn", id="mine", inputs=columns())
    found = outputs(reply)
    assert reply.json["id"] == "mine"
    assert reply.json["model_name"] == "churn"
    assert found["probabilities"]["shape"] == [3, 2]
    plain = churn.predict(*ROWS).json["predictions"]
    assert found["label"]["data"] == [row["label"] for row in plain]
    assert found["probabilities"]["data"] == pytest.approx(
        [row["probabilities"][label] for row in plain for label in ("no", "yes")], abs=1e-7
    )


def test_packed_tensors_and_bytes_are_answered_like_rows(churn: Server) -> None:
    numbers = [None if value != value else value for row in NUMBERS for value in row]  # noqa: PLR0124  # NaN
    packed = churn.infer(
        "churn",
        inputs=[
            tensor("numbers", "FP64", numbers, columns=2),
            tensor("strings", "BYTES", [text for row in STRINGS for text in row], columns=2),
        ],
    )
    wanted = outputs(churn.infer("churn", inputs=columns()))["probabilities"]["data"]
    assert outputs(packed)["probabilities"]["data"] == pytest.approx(wanted, abs=1e-7)
    assert outputs(asked_in_bytes(churn))["probabilities"]["data"] == pytest.approx(wanted, abs=1e-7)


def test_outputs_come_as_bytes_when_asked_and_only_those_asked(churn: Server) -> None:
    reply = asked_in_bytes(churn, binary_data_output=True)
    head = int(reply.headers["inference-header-content-length"])
    described = {output["name"]: output for output in json.loads(reply.body[:head])["outputs"]}
    size = described["probabilities"]["parameters"]["binary_data_size"]
    shares = numpy.frombuffer(reply.body[head : head + size], "<f4").reshape(3, 2)
    assert shares[0] == pytest.approx(churn_probabilities(3.5, 40, "basic"))
    labels = json.loads(asked_in_bytes(churn).body)["outputs"][1]["data"]
    assert reply.body[head + size :] == as_bytes(labels)
    only = asked_in_bytes(churn, outputs=[{"name": "label"}])
    assert list(outputs(only)) == ["label"]


def test_whole_numbers_are_numbers_and_pictures_are_tensors(price: Server, digits: Server) -> None:
    inputs = [tensor(f"x{index}", "INT32", [index, 2]) for index in range(3)]
    assert outputs(price.infer("price", inputs=inputs))["prediction"]["data"] == [3.0, 6.0]
    picture = {"name": "picture", "datatype": "FP32", "shape": [1, 1, 2, 2], "data": [0, 0.5, 1, 0]}
    plain = digits.predict({"picture": [[[0, 0.5], [1, 0]]]}).json["predictions"][0]["probabilities"]
    found = outputs(digits.infer("digits", inputs=[picture]))["probabilities"]["data"]
    assert found == pytest.approx([plain["no"], plain["yes"]])


@pytest.mark.parametrize(
    ("inputs", "status", "field", "told"),
    [
        (None, 400, None, "`inputs` must be a list of at least one tensor"),
        ([], 400, None, "`inputs` must be a list of at least one tensor"),
        ([{"name": "age"}], 400, "age", "`age` needs a `shape` such as [1, 1]"),
        ([tensor("agee", "FP64", [40])], 422, "agee", 'there is no input "agee"; did you mean `age`?'),
        (columns()[:1] + columns()[2:], 422, "age", "the input `age` is missing"),
        ([*columns(), tensor("age", "FP64", [1, 2, 3])], 400, None, 'duplicate tensor "age"'),
        ([tensor("age", "FP64", [40]), *columns()[2:]], 400, None, "the same number of rows"),
        ([tensor("age", "BYTES", [1, 2, 3]), *columns()[2:]], 422, "age", "must have the datatype FP64"),
        ([{**tensor("age", "FP64", [1, 2]), "shape": [3, 1]}, *columns()[2:]], 400, "age", "has 2 values"),
        ([tensor("age", "FP64", [40, "41", 42]), *columns()[2:]], 422, "age", "row 1: `age` must be"),
        ([tensor("age", "FP64", [40, 41, 300]), *columns()[2:]], 422, "age", "row 2: `age` must be at most"),
        ([columns()[1], tensor("plan", "BYTES", ["pro", "pr", "pro"])], 422, "plan", "did you mean `pro`?"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit_are_refused_by_name(
    churn: Server, inputs: Any, status: int, field: str | None, told: str
) -> None:
    reply = churn.infer("churn", inputs=inputs)
    assert (reply.status, reply.json.get("field")) == (status, field)
    assert told in reply.json["error"]


@pytest.mark.parametrize(
    ("size", "length", "told"),
    [
        (8, "9999", "Inference-Header-Content-Length is `9999`"),
        (8, "abc", "Inference-Header-Content-Length is `abc`"),
        (99, None, "`binary_data_size` is 99, but 8 bytes are left"),
        (7, None, "`age` has 7 bytes, but FP64 of shape [1,1] takes 8"),
        (None, None, "8 bytes after the JSON belong to no tensor"),
        (-1, None, "`binary_data_size` is -1"),
    ],
)
def test_bytes_that_do_not_fill_their_tensors_are_refused(
    churn: Server, size: int, length: str | None, told: str
) -> None:
    given = {"name": "age", "datatype": "FP64", "shape": [1, 1], "parameters": {"binary_data_size": size}}
    if size is None:
        given["data"] = [40]
    head = json.dumps({"inputs": [given]}).encode()
    lengths = {"Inference-Header-Content-Length": length or str(len(head))}
    reply = churn.ask("POST", "/v2/models/churn/infer", head + struct.pack("<d", 40), lengths)
    assert reply.status == 400
    assert told in reply.json["error"]


def test_nan_behind_the_json_is_missing_and_infinity_is_refused(churn: Server) -> None:
    def ask(tenure: float) -> Reply:
        raw = struct.pack("<d", tenure)
        given = {"name": "tenure", "datatype": "FP64", "shape": [1, 1], "parameters": {"binary_data_size": 8}}
        rest = [tensor("age", "FP64", [40]), tensor("plan", "BYTES", ["basic"])]
        head = json.dumps({"inputs": [given, *rest]}).encode()
        lengths = {"Inference-Header-Content-Length": str(len(head))}
        return churn.ask("POST", "/v2/models/churn/infer", head + raw, lengths)

    missing = outputs(ask(float("nan")))["probabilities"]["data"]
    assert missing == pytest.approx(churn_probabilities(0, 40, "basic"))
    infinite = ask(float("inf"))
    assert (infinite.status, infinite.json["field"]) == (422, "tenure")
    assert "must be a finite number" in infinite.json["error"]
