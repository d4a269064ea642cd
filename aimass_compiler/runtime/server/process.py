"""The server as a process: bind, load, serve, and drain when asked to stop."""

from __future__ import annotations

import logging
import socket
import time
from typing import TYPE_CHECKING

import uvicorn

from aimass_compiler.runtime.server.application import Application
from aimass_compiler.runtime.server.failure import ExitCode, ServerFailure
from aimass_compiler.runtime.server.log import LibraryLog, Log
from aimass_compiler.runtime.server.package import read_package

if TYPE_CHECKING:
    from types import FrameType

    from aimass_compiler.runtime.server.settings import Settings

_BACKLOG = 2048
#: Longer than load balancers keep idle connections (60 s, mostly), so that none sends into a closed one.
_KEEP_ALIVE_SECONDS = 75


def serve(settings: Settings, log: Log) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight.

    Raises ServerFailure when the address cannot be bound or the package cannot be served.
    """
    started = time.monotonic()
    log.event("start", {"package": str(settings.package)})
    logging.getLogger("uvicorn").addHandler(LibraryLog(log))
    with _bound(settings.host, settings.port) as listener:
        package = read_package(settings.package)
        application = Application(package, settings, log)
        ready = {
            "model": package.signature.model,
            "version": package.signature.version,
            "host": settings.host,
            "port": listener.getsockname()[1],
            "seconds": round(time.monotonic() - started, 3),
        }
        server = _DrainingServer(application, settings, log, ready)
        server.run(sockets=[listener])
        application.execution.close()
        application.ledger.settle()
    log.event("stop", {"seconds": round(time.monotonic() - started, 3), "unfinished": application.in_flight})


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has the address but takes no connection yet, so that nobody waits for the load."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        told = f"{host}:{port} cannot be served from: {error.strerror or error}"
        raise ServerFailure(ExitCode.ADDRESS, f"{told}; choose another with --host and --port") from error
    return listener


class _DrainingServer(uvicorn.Server):  # type: ignore[misc]  # uvicorn is untyped here
    """Goes unready at the first signal, and stops once nothing is in flight or the time is up."""

    def __init__(
        self, application: Application, settings: Settings, log: Log, ready: dict[str, object]
    ) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            )
        )
        self._application = application
        self._drain_seconds = settings.drain_seconds
        self._log = log
        self._ready = ready
        self._deadline = 0.0
        self._has_told = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self._log.event("ready", self._ready)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start to drain; a second signal stops at once.

        uvicorn would raise the signal again after it stopped, and the exit code would not be 0.
        """
        del sig, frame
        if self._application.is_draining:
            self.force_exit = self.should_exit = True
            return
        self._deadline = time.monotonic() + self._drain_seconds
        self._application.is_draining = True

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop; uvicorn asks ten times a second."""
        if self._application.is_draining and not self.should_exit:
            if not self._has_told:
                self._has_told = True
                self._log.event("drain", {"in_flight": self._application.in_flight})
            self.should_exit = self._application.in_flight == 0 or time.monotonic() >= self._deadline
            # uvicorn waits once more, for connections; together they take no longer than they may.
            self.config.timeout_graceful_shutdown = max(0.1, self._deadline - time.monotonic())
        stops: bool = await super().on_tick(counter)
        return stops
