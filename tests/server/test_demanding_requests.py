"""Few bytes that ask for much, or say what nobody can mean: refused at once, as the caller's mistake."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from server.packages import CHURN_EXAMPLE

if TYPE_CHECKING:
    from server.serving import Reply, Server

INFER = "/v2/models/churn/infer"
MEBIBYTE = 2**20
HUGE = 10**18


def deep(text: str, levels: int) -> bytes:
    """JSON with lists nested so deep for `@` that Python's writer would give up."""
    return text.replace("@", "[" * levels + "]" * levels).encode()


TENSOR = '{"name": "age", "shape": [1, 1], "datatype": "FP64", "data": [40]}'
PLACES = {
    "rows": ("/predict", '{"rows": @}'),
    "a row": ("/predict", '{"rows": [@]}'),
    "a field": ("/predict", json.dumps({**CHURN_EXAMPLE, "age": "@"}).replace('"@"', "@")),
    "a text": ("/predict", json.dumps({**CHURN_EXAMPLE, "note": "@"}).replace('"@"', "@")),
    "the body": ("/predict", "@"),
    "inputs": (INFER, '{"inputs": @}'),
    "a tensor": (INFER, '{"inputs": [@]}'),
    "a name": (INFER, '{"inputs": [{"name": @}]}'),
    "a shape": (INFER, '{"inputs": [{"name": "age", "shape": @}]}'),
    "a size": (INFER, '{"inputs": [{"name": "age", "shape": [@]}]}'),
    "a datatype": (INFER, '{"inputs": [{"name": "age", "shape": [1, 1], "datatype": @}]}'),
    "data": (INFER, '{"inputs": [{"name": "age", "shape": [1, 1], "datatype": "FP64", "data": @}]}'),
    "an object in data": (
        INFER,
        '{"inputs": [{"name": "age", "shape": [1, 1], "datatype": "FP64", "data": [{"a": @}]}]}',
    ),
    "outputs": (INFER, f'{{"inputs": [{TENSOR}], "outputs": {{"a": @}}}}'),
    "an output's name": (INFER, f'{{"inputs": [{TENSOR}], "outputs": [{{"name": @}}]}}'),
    "parameters": (INFER, f'{{"inputs": [{TENSOR}], "parameters": @}}'),
    "binary_data_output": (
        INFER,
        f'{{"inputs": [{TENSOR}], "parameters": {{"binary_data_output": @}}}}',
    ),
    "binary_data_size": (INFER, f'{{"inputs": [{TENSOR[:-1]}, "parameters": {{"binary_data_size": @}}}}]}}'),
    "id": (INFER, f'{{"inputs": [{TENSOR}], "id": @}}'),
}


@pytest.mark.parametrize("levels", [60, 253, 254, 300, 1023, 5_000])
@pytest.mark.parametrize("place", PLACES)
def test_however_deep_json_is_nested_its_caller_is_told(churn: Server, place: str, levels: int) -> None:
    path, text = PLACES[place]
    reply = churn.ask("POST", path, deep(text, levels))
    assert reply.status in (400, 422), reply.body
    assert len(reply.body) < 400


def test_depth_in_a_picture_is_refused(digits: Server) -> None:
    for levels in (2, 4, 64, 1_000):
        reply = digits.ask("POST", "/predict", deep('{"picture": @}', levels))
        assert reply.status == 422


def tensor(name: str = "age", **changes: Any) -> dict[str, Any]:
    return {"name": name, "shape": [1, 1], "datatype": "FP64", "data": [40], **changes}


def asked(server: Server, *inputs: dict[str, Any], **more: Any) -> Reply:
    return server.ask("POST", INFER, {"inputs": inputs, **more})


def peak(server: Server) -> int:
    """The most memory that the server ever held, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc tells what a process holds")
@pytest.mark.parametrize("name", ["age", "tenure", "note", "customer_id", "numbers", "strings"])
@pytest.mark.parametrize(
    "shape",
    [
        [200_000_000, 1], [200_000_000], [HUGE, 1], [2**64 - 1, 1], [2**63, 2**63], [200_000_000, 0],
        [1] * 300_000, [HUGE] * 16, [1, 200_000_000], [0, HUGE], [-1, 1], [1.0, 1], [True, 1], [], None, "1",
    ],
    ids=lambda shape: str(shape)[:20],
)  # fmt: skip
def test_a_shape_is_held_against_the_data_before_anything_is_made_of_it(
    churn: Server, name: str, shape: Any
) -> None:
    before = peak(churn)
    datatype = "BYTES" if name in ("note", "strings", "customer_id") else "FP64"
    used = churn.metric("process_cpu_seconds_total")
    for given in (
        tensor(name, shape=shape, datatype=datatype, data=["x" if datatype == "BYTES" else 1]),
        tensor(name, shape=shape, datatype=datatype, data=[]),
    ):
        reply = asked(churn, given)
        assert reply.status == 400, reply.body
        assert len(reply.body) < 400
    empty = tensor(name, shape=shape, datatype=datatype, data=None, parameters={"binary_data_size": 0})
    assert asked(churn, empty).status == 400
    assert churn.metric("process_cpu_seconds_total") - used < 1
    assert peak(churn) - before < 32 * MEBIBYTE


def test_columns_that_are_left_out_do_not_multiply_what_was_sent(churn: Server) -> None:
    """One column of a byte a row, and 4 columns of 8 bytes that cost their caller nothing."""
    rows = 900_000
    raw = bytes(rows)
    given = {
        "name": "age", "shape": [rows, 1], "datatype": "UINT8", "parameters": {"binary_data_size": rows},
    }  # fmt: skip
    head = json.dumps({"inputs": [given]}).encode()
    before = peak(churn)
    reply = churn.ask("POST", INFER, head + raw, {"Inference-Header-Content-Length": str(len(head))})
    assert reply.status == 413
    told = "900000 rows of 4 values are more than the 1048576 values that are taken at once"
    assert reply.json["error"] == f"{told}; send fewer rows at once"
    assert churn.ask("POST", "/predict", b'{"rows":[' + b"{}," * 300_000 + b"{}]}").status == 413
    assert peak(churn) - before < 64 * MEBIBYTE


def test_texts_where_a_picture_belongs_do_not_multiply(digits: Server) -> None:
    before = peak(digits)
    body = json.dumps({"picture": ["x" * 200_000, *["y"] * 100_000]}).encode()
    assert digits.ask("POST", "/predict", body).status == 422
    assert peak(digits) - before < 32 * MEBIBYTE


@pytest.mark.parametrize("length", ["9" * 5_000, "1" + "0" * 400, "-1", "1e3", "٣", "", "+5", "0x1"])
def test_a_header_length_that_is_none_is_refused(churn: Server, length: str) -> None:
    reply = churn.ask(
        "POST", INFER, b"{}", {"Inference-Header-Content-Length": length.encode().decode("latin-1")}
    )
    assert reply.status == 400
    assert len(reply.body) < 400


WIDE: dict[str, tuple[dict[str, Any], int, str]] = {
    "an id that is a number": ({"id": 42}, 400, "`id` must be a string of at most 256 characters, not 42"),
    "an id that is an object": ({"id": {"a": [1]}}, 400, "`id` must be a string"),
    "an id that is too long": ({"id": "x" * 257}, 400, "`id` must be a string of at most 256 characters"),
    "an unknown name": ({"inputs": [tensor("n" * 100_000)]}, 422, "there is no input"),
    "an unknown name alone": ({"inputs": [{"name": "n" * 100_000}]}, 400, "needs a `shape`"),
    "a name twice": ({"inputs": [tensor(), tensor()]}, 400, "duplicate tensor"),
    "an unknown output": ({"outputs": [{"name": "n" * 100_000}]}, 400, "there is no output"),
    "an output twice": ({"outputs": [{"name": "label"}] * 2}, 400, "`label` is asked for twice"),
    "a datatype that is none": ({"inputs": [tensor(datatype="X" * 99_999)]}, 400, "needs a `datatype`"),
    "packed and alone": (
        {"inputs": [tensor("numbers", shape=[1, 2], data=[1, 40]), tensor(),
                    tensor("strings", shape=[1, 2], data=["pro", ""], datatype="BYTES")]},
        400, "`age` is sent twice: as its own tensor and as a column of `numbers`"),
    "packed and alone, strings": (
        {"inputs": [tensor("plan", data=["pro"], datatype="BYTES"), tensor(),
                    tensor("strings", shape=[1, 2], data=["pro", ""], datatype="BYTES")]},
        400, "`plan` is sent twice: as its own tensor and as a column of `strings`"),
    "data and bytes": (
        {"inputs": [tensor(parameters={"binary_data_size": 0})]}, 400, "send one of them"),
    "parameters that are none": ({"parameters": [1]}, 400, "`parameters` of the request must be an object"),
    "classes": (
        {"outputs": [{"name": "probabilities", "parameters": {"classification": 2}}]},
        400, "the parameter `classification` of `probabilities` is not supported"),
    "shared memory in": (
        {"inputs": [tensor(parameters={"shared_memory_region": "r"})]}, 400, "`shared_memory_region` of"),
    "shared memory out": (
        {"outputs": [{"name": "label", "parameters": {"shared_memory_offset": 1}}]}, 400, "not supported"),
    "a sequence": ({"parameters": {"sequence_id": 3}}, 400, "`sequence_id` of the request is not supported"),
    "lists for a flat column": (
        {"inputs": [tensor(shape=[2, 1], data=[[40, 41]])]}, 400, "lists nested as its shape [2,1]"),
    "too deep for its shape": ({"inputs": [tensor(data=[[[40]]])]}, 400, "lists nested as its shape [1,1]"),
    "lists of other lengths": (
        {"inputs": [tensor(shape=[2, 2], data=[[1], [1, 2, 3]])]}, 400, "lists nested as its shape [2,2]"),
    "a list behind a number": (
        {"inputs": [tensor(shape=[2, 1], data=[40, [41]])]}, 400, "lists nested as its shape [2,1]"),
    "more than a byte": (
        {"inputs": [tensor(datatype="UINT8", data=[300])]},
        400, "`age` is declared UINT8, which cannot hold 300"),
    "less than nothing": ({"inputs": [tensor(datatype="UINT64", data=[-1])]}, 400, "cannot hold -1"),
    "no whole number": (
        {"inputs": [tensor(datatype="INT64", data=[38.5])]}, 400, "INT64, which cannot hold 38.5"),
    "more than 64 bits": ({"inputs": [tensor(datatype="INT64", data=[2**63])]}, 400, "cannot hold"),
    "more than FP32": ({"inputs": [tensor(datatype="FP32", data=[1e39])]}, 400, "cannot hold 1e+39"),
    "more than FP16": ({"inputs": [tensor(datatype="FP16", data=[1e5])]}, 400, "FP16, which cannot"),
    "a flag": ({"inputs": [tensor(datatype="BOOL", data=[True])]}, 422, "must have the datatype FP64"),
    "a name of Triton's": ({"inputs": [tensor("", datatype="TYPE_FP64")]}, 422, "there is no input"),
}  # fmt: skip


@pytest.mark.parametrize("what", WIDE)
def test_what_contradicts_itself_or_cannot_be_meant_is_refused(churn: Server, what: str) -> None:
    changes, status, told = WIDE[what]
    reply = churn.ask("POST", INFER, {"inputs": [tensor()], **changes})
    assert reply.status == status, reply.body
    assert told in reply.json["error"]
    assert len(reply.body) < 600, "what is told of a caller's word is short"
    assert len(reply.json.get("field", "")) <= 100


def test_what_may_be_said_otherwise_is_taken(churn: Server) -> None:
    plan = tensor("plan", data=["pro"], datatype="BYTES")
    for given in (
        tensor(data=[[40]]), tensor(shape=[1]), tensor(datatype="UINT8"),
        tensor(datatype="INT8", data=[40.0]),
        tensor(datatype="FP32"), tensor(parameters=None), tensor(parameters={"content_type": "np"}),
    ):  # fmt: skip
        reply = asked(churn, given, plan, id="x" * 256, parameters={"priority": 1})
        assert reply.status == 200, reply.body
        assert reply.json["id"] == "x" * 256
    assert "id" not in asked(churn, tensor(), plan, id=None).json


def test_bytes_of_a_tensor_that_is_ignored_are_counted_as_well(churn: Server) -> None:
    plan = tensor("plan", data=["pro"], datatype="BYTES")
    given = {"name": "customer_id", "datatype": "BYTES", "shape": [1, 1]}
    for text, shape, status in ((b"ab", [1, 1], 200), (b"ab", [2, 1], 400), (b"", [1, 1], 200)):
        raw = struct.pack("<I", len(text)) + text
        ignored = {**given, "shape": shape, "parameters": {"binary_data_size": len(raw)}}
        head = json.dumps({"inputs": [tensor(), plan, ignored]}).encode()
        reply = churn.ask("POST", INFER, head + raw, {"Inference-Header-Content-Length": str(len(head))})
        assert reply.status == status, reply.body


def test_no_log_line_is_as_long_as_a_callers_word(churn: Server) -> None:
    churn.ask("POST", INFER, {"inputs": [{**tensor("q" * 500_000), "shape": [1, 1]}]})
    churn.ask("POST", "/predict", {**CHURN_EXAMPLE, "w" * 500_000: 1})
    churn.get("/metrics")
    assert max(map(len, churn.log.read_text().splitlines())) < 1_000


def test_it_answers_rightly_after_all_of_this(churn: Server) -> None:
    assert churn.predict(CHURN_EXAMPLE).status == 200
