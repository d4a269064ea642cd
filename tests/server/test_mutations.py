"""Good requests with something wrong in them: whatever it is, the server does not call it its own failure."""

from __future__ import annotations

import http.client
import json
import random
import struct
from typing import TYPE_CHECKING, Any

import pytest

from server.packages import CHURN_EXAMPLE, seal
from server.serving import HOST, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from server.serving import Server

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 3, 300, 2**31, 2**53 + 1, 2**63 - 1, 2**64 - 1, 10**18, 10**30),
    *(0.5, -0.0, 1e300, -1e308, 5e-324, "", "x", "40", "pro", "NaN", "\u0000", "日本", "x" * 5_000),
    *([], [[]], [[[[]]]], [None], [1, "x"], [[1], [2]], {}, {"a": [1]}, {"name": "age"}),
    *("BOOL", "BYTES", "FP16", "INT64", "numbers", "strings", "age"),
)
INFER = "/v2/models/churn/infer"
Asked = tuple[str, bytes, dict[str, str]]


def tensor(name: str, datatype: str, data: list[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data), 1], "data": data}


DOCUMENTS: tuple[tuple[str, Any], ...] = (
    ("/predict", {"rows": [CHURN_EXAMPLE, {**CHURN_EXAMPLE, "tenure": None}]}),
    ("/predict", {**CHURN_EXAMPLE, "customer_id": "c-1"}),
    (
        INFER,
        {
            "id": "mine",
            "parameters": {"binary_data_output": False},
            "inputs": [
                tensor("tenure", "FP32", [3, 4]), tensor("age", "INT64", [40, 41]),
                tensor("plan", "BYTES", ["pro", "basic"]), tensor("note", "BYTES", ["", "x"]),
                tensor("customer_id", "BYTES", ["a", "b"]),
            ],
            "outputs": [{"name": "label", "parameters": {"binary_data": False}}, {"name": "probabilities"}],
        },
    ),
    (
        INFER,
        {
            "inputs": [
                {"name": "numbers", "datatype": "FP64", "shape": [1, 2], "data": [[3, 40]]},
                {"name": "strings", "datatype": "BYTES", "shape": [1, 2], "data": ["pro", ""]},
            ]
        },
    ),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def mutated(value: Any, path: tuple[Any, ...], chance: random.Random) -> Any:
    if path:
        key, *rest = path
        changed: Any = value.copy()
        changed[key] = mutated(value[key], tuple(rest), chance)
        return changed
    choice = chance.random()
    if choice < 0.1 and isinstance(value, list):
        return value * chance.choice([0, 2, 50])
    if choice < 0.2 and isinstance(value, dict) and value:
        return {key: part for key, part in value.items() if key != chance.choice(list(value))}
    if choice < 0.3 and isinstance(value, dict):
        return {**value, chance.choice(["more", "data", "parameters", "rows", ""]): chance.choice(ODD)}
    if choice < 0.4:
        return [value]
    return chance.choice(ODD)


def json_request(chance: random.Random) -> Asked:
    path, document = chance.choice(DOCUMENTS)
    for _ in range(chance.choice([1, 1, 2, 3])):
        document = mutated(document, chance.choice(list(places(document))), chance)
    return path, json.dumps(document).encode("utf-8", "surrogatepass"), {}


def broken_bytes(chance: random.Random) -> Asked:
    path, document = chance.choice(DOCUMENTS)
    body = bytearray(json.dumps(document).encode())
    for _ in range(chance.choice([1, 2, 8])):
        place = chance.randrange(len(body))
        piece = chance.choice(
            [b"", b"[" * 300, b'"', b"{", b"\xff", b"\x00", b",", b"1e999", b"NaN", b"\\ud800"]
        )
        body[place : place + chance.choice([0, 1, 5])] = piece
    return path, bytes(body), {}


def binary_request(chance: random.Random) -> Asked:
    raw = [struct.pack("<d", 3.0), struct.pack("<d", 40.0), b"\x03\x00\x00\x00pro", b"\x00\x00\x00\x00"]
    kinds = {"tenure": "FP64", "age": "FP64", "plan": "BYTES", "note": "BYTES"}
    inputs: Any = [
        {"name": name, "datatype": kind, "shape": [1, 1], "parameters": {"binary_data_size": len(part)}}
        for (name, kind), part in zip(kinds.items(), raw, strict=True)
    ]
    document: Any = {"inputs": inputs, "parameters": {"binary_data_output": True}}
    if chance.random() < 0.7:
        document = mutated(document, chance.choice(list(places(document))), chance)
    tail = bytearray(b"".join(raw))
    if chance.random() < 0.5:
        place = chance.randrange(len(tail))
        tail[place : place + chance.choice([0, 1, 4])] = chance.randbytes(chance.choice([0, 1, 4]))
    head = json.dumps(document).encode("utf-8", "surrogatepass")
    length = str(len(head) + chance.choice([0, 0, 0, 1, -1]))
    length = chance.choice([length] * 9 + ["9" * 4_400, "-1", "x", ""])
    return INFER, head + tail, {"Inference-Header-Content-Length": length}


def statuses(server: Server, count: int, seed: int) -> Mapping[int, int]:
    chance = random.Random(seed)  # noqa: S311  # the same mistakes in every run
    found: dict[int, int] = {}
    connection = http.client.HTTPConnection(HOST, server.port, timeout=20)
    for _ in range(count):
        path, body, headers = chance.choice([json_request, json_request, broken_bytes, binary_request])(
            chance
        )
        connection.request("POST", path, body, headers)
        reply = connection.getresponse()
        answer = reply.read()
        assert reply.status < 500, (path, headers, body[:2_000], answer)
        assert reply.status == 200 or json.loads(answer)["error"]
        assert reply.status == 200 or len(answer) < 1_000, "no caller's word is told at length"
        found[reply.status] = found.get(reply.status, 0) + 1
    connection.close()
    return found


def test_no_mutation_of_a_good_request_is_a_failure_of_ours(churn: Server) -> None:
    found = statuses(churn, 1_500, seed=1)
    assert all(found.get(status, 0) > 30 for status in (200, 400, 422)), found
    assert churn.predict(CHURN_EXAMPLE).status == 200
    assert not [event for event in churn.events() if event["event"] == "failure"]


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 12))
def test_nor_are_thousands_more(churn: Server, seed: int) -> None:
    statuses(churn, 10_000, seed)


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same model, whose columns are written as flags, numbers and mixed, and may all be missing."""
    from server import packages

    folder = packages.churn(tmp_path_factory.mktemp("typed") / "churn")
    document = json.loads((folder / "signature.json").read_text())
    for column, written in zip(document["inputs"], ("flag", "text", "integer", "mixed"), strict=True):
        column.update(written=written, nullable=True, marks=["NA"])
    document["inputs"][2]["values"] = None
    (folder / "signature.json").write_text(json.dumps(document))
    with serving(seal(folder)) as server:
        yield server


def test_nor_are_they_where_columns_take_flags_and_texts(typed: Server) -> None:
    statuses(typed, 1_500, seed=42)
