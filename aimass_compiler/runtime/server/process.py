"""The server as a process: bind, load, serve, and drain when asked to stop."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn

from aimass_compiler.runtime.server.connection import HttpConnection
from aimass_compiler.runtime.server.listener import bound, shut_out
from aimass_compiler.runtime.server.log import EventLog, LibraryLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from aimass_compiler.runtime.server.grpc_server import GrpcServer
    from aimass_compiler.runtime.server.served_application import ServedApplication
    from aimass_compiler.runtime.server.settings import ServerSettings
    from aimass_compiler.runtime.server.worker_peers import WorkerPeers


_BACKLOG = 2048
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
#: How long connections that were made before the door was shut may take to be seen.
_DOOR_SECONDS = 0.2
_WARN_SECONDS = 10.0
#: What is given to answers that are written when the time is up.
_LAST_SECONDS = 0.1


def serve(
    settings: ServerSettings,
    log: EventLog,
    load: Callable[[], ServedApplication],
    peers: WorkerPeers | None = None,
) -> None:
    """Serve what `load` answers until SIGTERM or SIGINT, then finish what is in flight.

    With `peers`, on the port that it shares with others. Raises ServerFailure when the address cannot be
    bound or the package cannot be served.
    """
    started = time.monotonic()
    log.event("start", {"package": str(settings.package)})
    logging.getLogger().addHandler(LibraryLog(log))
    with peers.listener() if peers is not None else bound(settings.host, settings.port) as listener:
        application = load()
        ready = {
            **application.served,
            "host": settings.host,
            "port": listener.getsockname()[1],
            "seconds": round(time.monotonic() - started, 3),
        }
        server = _DrainingServer(application, settings, log, ready, listener, peers)
        try:
            server.run(sockets=[listener])
        finally:
            application.close()
    seconds = round(time.monotonic() - started, 3)
    if peers is not None:
        peers.note_unfinished(application.unfinished)
    log.event("stop", {"seconds": seconds, "unfinished": application.unfinished})


class _DrainingServer(uvicorn.Server):  # type: ignore[misc]  # uvicorn is untyped here
    """Goes unready at the first signal, answers on while callers learn of it, and stops once none is left."""

    def __init__(
        self,
        application: ServedApplication,
        settings: ServerSettings,
        log: EventLog,
        ready: dict[str, object],
        listener: socket.socket,
        peers: WorkerPeers | None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                loop="uvloop",
                http=partial(HttpConnection, connections=application.connections),
                ws="none",
                lifespan="off",
                proxy_headers=False,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                backlog=_BACKLOG,
            )
        )
        application.connections.watch(self.server_state.connections)
        self._application = application
        self._connections = application.connections
        self._settings = settings
        self._log = log
        self._ready = ready
        self._listener = listener
        self._stay_seconds = min(settings.stay_seconds, settings.drain_seconds)
        self._asked = 0.0
        self._shut = 0.0
        self._has_logged_drain = False
        self._crowded_out = 0
        self._warned = 0.0
        self._peers = peers
        self._grpc: GrpcServer | None = None
        self._leaving: asyncio.Future[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        asyncio.get_running_loop().set_exception_handler(self._fail)
        await super().startup(sockets)
        self._application.begin()
        await self._start_grpc()
        if self._peers is not None:
            self._peers.note_ready()
        self._log.event("ready", self._ready)

    async def _start_grpc(self) -> None:
        """Answer gRPC beside HTTP, where that is asked for; its library is loaded only then."""
        if self._settings.grpc_port is not None:
            from aimass_compiler.runtime.server.grpc_server import GrpcServer

            self._grpc = GrpcServer(self._application, self._settings, self._settings.grpc_port)
            self._ready["grpc_port"] = await self._grpc.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        if self._grpc is not None:
            await self._grpc.stop(_LAST_SECONDS)
        await super().shutdown(sockets)

    def _fail(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Count callers that could not be let in; whatever else fails is logged as usual."""
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _NO_DESCRIPTOR:
            self._connections.refused["limit"] += 1
            return
        loop.default_exception_handler(context)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start to drain; a second signal stops at once.

        uvicorn would raise the signal again after it stopped, and the exit code would not be 0.
        """
        del frame
        if self._application.is_draining:
            self.force_exit = self.should_exit = True
            return
        if sig == signal.SIGINT:
            self._stay_seconds = 0  # a person at a terminal waits for it
        self._asked = time.monotonic()
        self._application.is_draining = True

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop; uvicorn asks ten times a second."""
        now = time.monotonic()
        self._connections.look(asyncio.get_running_loop().time())
        self._warn(now)
        if self._application.is_draining and not self.should_exit:
            if not self._has_logged_drain:
                self._has_logged_drain = True
                self._log.event("drain", {"in_flight": self._application.in_flight})
            self.should_exit = self._is_drained(now)
            self.config.timeout_graceful_shutdown = _LAST_SECONDS
        stops: bool = await super().on_tick(counter)
        if stops:
            self._application.is_closing = True
        return stops

    def _warn(self, now: float) -> None:
        """Log, now and then, that there are more connections than there may be."""
        refused = self._connections.refused
        crowded_out = refused["silent"] + refused["limit"]
        if crowded_out > self._crowded_out and now >= self._warned + _WARN_SECONDS:
            fields = {"limit": self._connections.limit, "ended": crowded_out - self._crowded_out}
            self._log.event("too many connections", fields, "warning")
            self._crowded_out, self._warned = crowded_out, now

    def _is_drained(self, now: float) -> bool:
        """Whether nobody is left who could be sent elsewhere, or the time is up.

        Every answer says so meanwhile; a connection on which none is asked for is closed when it was silent
        for as long. What would be cut off at the end is not begun.
        """
        drain = self._settings.drain_seconds
        left = self._asked + drain - now
        self._application.is_closing = left < min(self._settings.timeout_seconds, drain / 2)
        if left <= 0:
            return True
        if now < self._asked + self._stay_seconds:
            return False
        if not self._shut:
            shut_out(self._listener)
            self._shut = now
            if self._grpc is not None:
                self._leaving = asyncio.ensure_future(self._grpc.stop(left))
        self._connections.dismiss_silent(asyncio.get_running_loop().time(), self._stay_seconds)
        is_seen = now - self._shut >= min(_DOOR_SECONDS, self._stay_seconds)
        return is_seen and not self._connections.count() and not self._application.in_flight
