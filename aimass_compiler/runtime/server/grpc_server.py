"""The second port of a server: gRPC, by its own library, in the event loop that serves HTTP."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# It would write to standard error by itself, beside our log.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.grpc_service import InferenceService
from aimass_compiler.runtime.server.response import ServerFailure

if TYPE_CHECKING:
    from aimass_compiler.runtime.server.served_application import ServedApplication
    from aimass_compiler.runtime.server.settings import ServerSettings

#: A little more than the largest body, so that most of what is too large is refused, and counted, by us.
_MORE_BYTES = 64 << 10
#: Callers keep connections for good, and a Service chooses a server only for new ones.
_CONNECTION_MILLISECONDS = 300_000


class GrpcServer:
    """Answers calls with what an application answers over HTTP."""

    def __init__(self, application: ServedApplication, settings: ServerSettings, port: int) -> None:
        largest = settings.body_bytes + _MORE_BYTES
        self._host, self._port = settings.host, port
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", largest),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_metadata_size", 16 << 10),
                ("grpc.so_reuseport", int(settings.workers > 1)),
                ("grpc.max_connection_age_ms", _CONNECTION_MILLISECONDS),
                ("grpc.max_connection_age_grace_ms", int(1000 * settings.timeout_seconds) + 1000),
            )
        )
        self._server.add_generic_rpc_handlers(InferenceService(application).handlers())

    async def start(self) -> int:
        """Listen; answers the port. Raises ServerFailure where the address cannot be had."""
        address = f"[{self._host}]" if ":" in self._host else self._host
        try:
            port: int = self._server.add_insecure_port(f"{address}:{self._port}")
        except RuntimeError as error:
            message = f"{address}:{self._port} cannot be served from"
            raise ServerFailure(
                ExitCode.ADDRESS, f"{message}; choose another with --host and --grpc-port"
            ) from error
        await self._server.start()
        return port

    async def stop(self, seconds: float) -> None:
        """Send callers elsewhere, and finish what they have asked within so many seconds."""
        await self._server.stop(seconds)
