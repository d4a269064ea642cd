"""Who makes spans of requests, where they go somewhere; its libraries are loaded there only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.runtime.server.answered_request import AnsweredRequest
    from aimass_compiler.runtime.server.settings import ServerSettings


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
