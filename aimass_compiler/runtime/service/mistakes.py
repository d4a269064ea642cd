"""Requests that a server must refuse, each with the status that tells its caller why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.service.dialects import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aimass_compiler.runtime.service.dialects import Signature

_PATH = conventions.PREDICT_PATH


@dataclass(frozen=True)
class Mistake:
    """One request that is wrong in one way."""

    what: str
    request: Request
    status: int


def mistakes(signature: Signature, body_bytes: int) -> Sequence[Mistake]:
    """What callers do wrong, made from the package's own example; those that suit its columns."""
    return [*_of_protocol(signature, body_bytes), *_of_contract(signature)]


def _of_protocol(signature: Signature, body_bytes: int) -> Iterator[Mistake]:
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


def _of_contract(signature: Signature) -> Iterator[Mistake]:
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
        if column["tensor"] == conventions.STRINGS_TENSOR:
            yield _row(f"a number for `{name}`", {**example, name: 5})


def _beyond(end: float, direction: int) -> float:
    return end + direction * max(1.0, abs(end))


def _row(what: str, row: Mapping[str, Any]) -> Mistake:
    return Mistake(what, Request(_PATH, orjson.dumps({"rows": [row]})), 422)
