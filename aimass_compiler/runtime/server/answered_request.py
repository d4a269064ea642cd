"""What is known of a request once it is answered, for whoever counts, logs and records it or makes spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aimass_compiler.runtime.server.model_signature import Signature
    from aimass_compiler.runtime.server.response import Response


class RequestEntry(NamedTuple):
    """One answered request for a prediction."""

    time: datetime
    identity: bytes
    path: str
    seconds: float
    answer: Response
    trace: bytes | None = None
    started: float = 0.0
    """In monotonic seconds."""
    caller: str | None = None
    """Who asked, where callers are declared and it is one of them."""


class AnsweredRequest(NamedTuple):
    """A request; times are monotonic seconds."""

    path: str
    trace: bytes | None
    started: float
    ended: float
    status: int
    attributes: Mapping[str, str | int]
    parts: tuple[tuple[str, float, float], ...]
    """What it consisted of: name, begin and end."""


def answered_request(entry: RequestEntry, signature: Signature) -> AnsweredRequest:
    """A request for predictions: how long it waited, and how long the model took."""
    found = entry.answer.prediction
    about: dict[str, str | int] = {
        "aimass.model": signature.model,
        "aimass.version": signature.version,
        "aimass.request_id": entry.identity.decode(),
    }
    parts: tuple[tuple[str, float, float], ...] = ()
    if found is not None:
        about["aimass.rows"] = found.rows
        parts = (("queue", entry.started, found.began), ("inference", found.began, found.ended))
    ended = entry.started + entry.seconds
    return AnsweredRequest(entry.path, entry.trace, entry.started, ended, entry.answer.status, about, parts)
