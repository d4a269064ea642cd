"""What a request is answered: a status, a body, and for people a sentence when it was refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

JSON = (b"content-type", b"application/json")
_CLOSE = (b"connection", b"close")
#: Characters of a caller's value that a sentence bears, and of a caller's name beside it.
_SHOWN = 60
_LONGEST_NAME = 100


class Prediction(NamedTuple):
    """What a prediction leaves for the account: its inputs (pictures not among them) and outputs."""

    rows: int
    tensors: Mapping[str, NDArray[Any]]
    outputs: Mapping[str, NDArray[Any]]


class Answer(NamedTuple):
    """A response before it is sent; a named tuple because one is made for every request."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
    prediction: Prediction | None = None
    field: str | None = None
    """The column over which a request was refused."""


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

    def answer(self) -> Answer:
        """The error as the Open Inference Protocol writes it, with the field and row when there are."""
        document: dict[str, Any] = {"error": self.message}
        if self.field is not None:
            document["field"] = self.field[:_LONGEST_NAME]
        if self.row is not None:
            document["row"] = self.row
        headers = [JSON]
        if self.retry_after_seconds is not None:
            headers.append((b"retry-after", b"%d" % self.retry_after_seconds))
        if self.is_final:
            headers.append(_CLOSE)
        return Answer(self.status, orjson.dumps(document), tuple(headers), field=document.get("field"))


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
