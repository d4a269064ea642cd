"""Requests and their answers in each protocol of the server, and requests that it must refuse."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy
import orjson

from aimass_compiler import conventions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


_DTYPES = {"FP32": "<f4", "FP64": "<f8"}
_HEADER_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Request:
    """One request, whoever sends it."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"

    @property
    def wire(self) -> bytes:
        """The request as HTTP/1.1 sends it."""
        headers = {"host": "localhost", "content-length": str(len(self.body)), **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{head}\r\n".encode() + self.body


@dataclass(frozen=True)
class Answer:
    """One answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Dialect:
    """One way to ask and to be answered."""

    name: str
    request: Callable[[ServedSignature, Sequence[Mapping[str, Any]]], Request]
    scores: Callable[[ServedSignature, Answer], list[list[float]]]
    """One list a row: the probabilities of all labels, or the prediction; null is NaN."""
    has_missing_pictures: bool
    """Whether a row can be sent whose image is null or whose series is shorter than others: a tensor in JSON
    has no word for what is missing."""

    def can_say(self, signature: ServedSignature, row: Mapping[str, Any]) -> bool:
        """Whether this row can be asked about."""
        pictures = [column for column in signature.inputs if "shape" in column]
        return self.has_missing_pictures or all(_is_whole(row[column["name"]], column) for column in pictures)


def _is_whole(value: Sequence[Any] | None, column: Mapping[str, Any]) -> bool:
    return value is not None and len(value) == column["shape"][0]


class ServedSignature:
    """The parts of signature.json that a caller needs."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.inputs: Sequence[Mapping[str, Any]] = document["inputs"]
        self.example: Mapping[str, Any] = document["example"]
        self.infer_path = f"{conventions.MODELS_PATH}/{document['model']}/infer"
        self.scores: Mapping[str, Any] = document["outputs"][0]
        self.labels: Sequence[str] = self.scores.get("labels", ())

    @property
    def width(self) -> int:
        """Scores of one row."""
        size: int = math.prod(self.scores["shape"][1:])
        return max(1, size)


def _plain(signature: ServedSignature, rows: Sequence[Mapping[str, Any]]) -> Request:
    del signature
    return Request(conventions.PREDICT_PATH, orjson.dumps({"rows": rows}))


def _plain_scores(signature: ServedSignature, answer: Answer) -> list[list[float]]:
    predictions = orjson.loads(answer.body)["predictions"]
    if not signature.labels:
        answers = [row["prediction"] for row in predictions]
        return [list(map(_number, answer if isinstance(answer, list) else [answer])) for answer in answers]
    return [[_number(row["probabilities"][label]) for label in signature.labels] for row in predictions]


def _tensors(signature: ServedSignature, rows: Sequence[Mapping[str, Any]]) -> Request:
    inputs = []
    for column in signature.inputs:
        shape = column.get("shape", (1,))
        datatype = "FP32" if "shape" in column else _datatype(column)
        data: Sequence[Any] = [row[column["name"]] for row in rows]
        if "shape" in column:  # where a series of one channel is a list of numbers in a row
            data = numpy.reshape(data, (len(rows), *shape)).tolist()
        inputs.append(
            {"name": column["name"], "datatype": datatype, "shape": [len(rows), *shape], "data": data}
        )
    return Request(signature.infer_path, orjson.dumps({"inputs": inputs}))


def _datatype(column: Mapping[str, Any]) -> str:
    return "BYTES" if column["type"] in conventions.WRITTEN_AS_TEXT else "FP64"


def _tensor_scores(signature: ServedSignature, answer: Answer) -> list[list[float]]:
    outputs = {output["name"]: output for output in orjson.loads(answer.body)["outputs"]}
    flat = [_number(value) for value in outputs[signature.scores["name"]]["data"]]
    return [flat[start : start + signature.width] for start in range(0, len(flat), signature.width)]


def _binary(signature: ServedSignature, rows: Sequence[Mapping[str, Any]]) -> Request:
    inputs, parts = [], []
    for column in signature.inputs:
        values = [row[column["name"]] for row in rows]
        datatype, raw = _raw(column, values)
        parts.append(raw)
        inputs.append(
            {
                "name": column["name"],
                "datatype": datatype,
                "shape": [len(rows), *column.get("shape", (1,))],
                "parameters": {"binary_data_size": len(raw)},
            }
        )
    wanted = [{"name": signature.scores["name"], "parameters": {"binary_data": True}}]
    head = orjson.dumps({"inputs": inputs, "outputs": wanted})
    return Request(signature.infer_path, b"".join((head, *parts)), {_HEADER_LENGTH: str(len(head))})


def _raw(column: Mapping[str, Any], values: Sequence[Any]) -> tuple[str, bytes]:
    if "shape" in column:
        pictures = numpy.full((len(values), *column["shape"]), numpy.nan, dtype="<f4")
        for place, value in enumerate(values):
            if value is not None:
                pictures[place, : len(value)] = numpy.reshape(value, (len(value), *column["shape"][1:]))
        return "FP32", pictures.tobytes()
    if _datatype(column) == "BYTES":
        texts = [(value or "").encode() for value in values]
        return "BYTES", b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return "FP64", numpy.array(values, dtype="<f8").tobytes()  # None becomes NaN


def _binary_scores(signature: ServedSignature, answer: Answer) -> list[list[float]]:
    raw = answer.body[int(answer.headers[_HEADER_LENGTH.lower()]) :]
    scores: list[list[float]] = (
        numpy.frombuffer(raw, _DTYPES[signature.scores["datatype"]]).reshape(-1, signature.width).tolist()
    )
    return scores


def _number(value: float | None) -> float:
    return math.nan if value is None else value


PLAIN = Dialect(conventions.PREDICT_PATH, _plain, _plain_scores, has_missing_pictures=True)
DIALECTS = (
    PLAIN,
    Dialect("/v2 with JSON tensors", _tensors, _tensor_scores, has_missing_pictures=False),
    Dialect("/v2 with binary tensors", _binary, _binary_scores, has_missing_pictures=True),
)


_PATH = conventions.PREDICT_PATH


@dataclass(frozen=True)
class Mistake:
    """One request that is wrong in one way."""

    what: str
    request: Request
    status: int


def mistakes(signature: ServedSignature, body_bytes: int) -> Sequence[Mistake]:
    """What callers do wrong, made from the package's own example; those that suit its columns."""
    return [*_of_protocol(signature, body_bytes), *_of_contract(signature)]


def _of_protocol(signature: ServedSignature, body_bytes: int) -> Iterator[Mistake]:
    yield Mistake("JSON that ends too early", Request(_PATH, b'{"rows": [{'), 400)
    yield Mistake("a body that is no row", Request(_PATH, b"[1, 2]"), 400)
    yield Mistake("no row at all", Request(_PATH, b'{"rows": []}'), 400)
    yield Mistake(
        "tensors without a shape", Request(signature.infer_path, b'{"inputs": [{"name": "x"}]}'), 400
    )
    yield Mistake("a path that is not there", Request(f"{_PATH}/it", b"{}"), 404)
    yield Mistake("another method", Request(_PATH, b"{}", method="PUT"), 405)
    # The server refuses what is announced: a body so large need not be sent.
    announced = {"content-length": str(body_bytes + 1)}
    yield Mistake("a body that is too large", Request(_PATH, b"", announced), 413)


def _of_contract(signature: ServedSignature) -> Iterator[Mistake]:
    example = signature.example
    yield _row("an unknown field", {**example, "no such field": 1})
    for column in signature.inputs:
        name = column["name"]
        yield _row(f"a list for `{name}`", {**example, name: [["?"]]})
        if not column["nullable"]:
            yield _row(f"no `{name}`", {key: value for key, value in example.items() if key != name})
        if column.get("min") is not None:
            yield _row(f"`{name}` below its minimum", {**example, name: _beyond(column["min"], -1)})
        if column.get("max") is not None:
            yield _row(f"`{name}` above its maximum", {**example, name: _beyond(column["max"], 1)})
        if column.get("values") is not None:
            yield _row(f"a value that `{name}` does not have", {**example, name: "no such value"})
        if column["type"] in conventions.WRITTEN_AS_TEXT:
            yield _row(f"a number for `{name}`", {**example, name: 5})


def _beyond(end: float, direction: int) -> float:
    return end + direction * max(1.0, abs(end))


def _row(what: str, row: Mapping[str, Any]) -> Mistake:
    return Mistake(what, Request(_PATH, orjson.dumps({"rows": [row]})), 422)
