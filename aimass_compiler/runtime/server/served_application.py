"""What a server's process serves, over HTTP and gRPC alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.runtime.server.connection_table import ConnectionTable


class ServedApplication(Protocol):
    """What answers requests, of whatever kind of model."""

    served: Mapping[str, str]
    """The model's name and version."""
    connections: ConnectionTable
    in_flight: int
    is_draining: bool
    """Whether it is unready, while it goes on answering."""
    is_closing: bool
    """Whether it is too late to begin anything."""
    unfinished: int
    """Requests that were begun, and cut off at the end."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, as ASGI has it."""

    def begin(self) -> None:
        """Begin what goes on beside requests; the event loop runs."""

    def close(self) -> None:
        """Leave nothing that keeps the process from ending, and nothing uncounted."""
