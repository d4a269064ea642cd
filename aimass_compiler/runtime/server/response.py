"""What a request is answered, the trace that it belongs to, and why a server cannot start.

Source of traces: https://www.w3.org/TR/trace-context/#traceparent-header
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.exit_codes import ExitCode


class ServerFailure(Exception):  # noqa: N818  # a failure of what the server was given, not an error of ours
    """The server cannot start, for a reason that its operator can fix."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


JSON = (b"content-type", b"application/json")
_CLOSE = (b"connection", b"close")
#: Characters of a caller's value that a sentence bears, and of a caller's name beside it.
_SHOWN = 60
_LONGEST_NAME = 100


class Prediction(NamedTuple):
    """What a prediction leaves for the account: its inputs (of pictures a few numbers) and outputs."""

    rows: int
    tensors: Mapping[str, NDArray[Any]]
    outputs: Mapping[str, NDArray[Any]]
    began: float = 0.0
    """When the model was asked, in monotonic seconds."""
    ended: float = 0.0
    keys: Mapping[str, Sequence[Any]] = {}
    """What a caller said of whom each row is, by column; the model reads none of it."""


class Response(NamedTuple):
    """A response before it is sent; a named tuple because one is made for every request."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
    prediction: Prediction | None = None
    field: str | None = None
    """The column over which a request was refused."""
    explained: int = 0
    """Rows that are no predictions to count, and that their caller pays for all the same."""


@dataclass(eq=False)
class RequestError(Exception):
    """A request that is not answered with a prediction.

    `row` counts from zero. `is_final` closes the connection, because unread bytes may follow.
    """

    status: int
    message: str
    field: str | None = None
    row: int | None = None
    retry_after_seconds: int | None = None
    is_final: bool = False
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Beside those that follow from the rest."""
    caller: str | None = None
    """Who is refused, where that is known."""

    def answer(self) -> Response:
        """The error as the Open Inference Protocol writes it, with the field and row when there are."""
        document: dict[str, Any] = {"error": self.message}
        if self.field is not None:
            document["field"] = self.field[:_LONGEST_NAME]
        if self.row is not None:
            document["row"] = self.row
        headers = [JSON, *self.headers]
        if self.retry_after_seconds is not None:
            headers.append((b"retry-after", b"%d" % self.retry_after_seconds))
        if self.is_final:
            headers.append(_CLOSE)
        return Response(self.status, orjson.dumps(document), tuple(headers), field=document.get("field"))


def violation(field: str, row: int, what: str) -> RequestError:
    """A row that breaks the contract; `what` continues the sentence that starts with the field's name."""
    return RequestError(422, f"row {row}: `{field}` {what}", field, row)


def shown(value: object) -> str:
    """A value of the caller's, as JSON and short enough for a sentence."""
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # it reads 1,024 levels and writes 254
        return "lists or objects nested too deeply"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


TRACE_HEADER = b"traceparent"
_PARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<parent>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}"
)


def trace_of(header: bytes | None) -> bytes | None:
    """The header where it names a trace; what does not is none, as the recommendation says."""
    return header if header is not None and _PARENT.fullmatch(header) else None


def logged(trace: bytes) -> dict[str, str]:
    """What a log line says of it: the ids by which collectors put lines and spans together."""
    _, trace_id, parent_id, _ = trace.decode().split("-")
    return {"trace_id": trace_id, "parent_id": parent_id}
