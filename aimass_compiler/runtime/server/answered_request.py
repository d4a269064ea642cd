"""What is known of a request once it is answered, for whoever makes spans of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.runtime.server.metrics import RequestEntry
    from aimass_compiler.runtime.server.model_signature import Signature
    from aimass_compiler.runtime.server.settings import ServerSettings


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


class RequestTraces(Protocol):
    """What makes spans."""

    def note(self, request: AnsweredRequest) -> Mapping[str, str]:
        """Make the spans of a request if it is sampled; answers what its log line says of its trace."""

    def close(self) -> None:
        """Export what is left, though not for ever."""


def traces_to(settings: ServerSettings, served: Mapping[str, str]) -> RequestTraces | None:
    """What makes spans of what is served; None, and no library loaded, where they go nowhere."""
    if not settings.traces_endpoint:
        return None
    from aimass_compiler.runtime.server.traces import Traces

    service = served.get("model") or served["server"]
    return Traces(settings.traces_endpoint, settings.traces_sample, service, served.get("version", ""))


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
