"""The server as an ASGI application: which model a request is for, and one account of every request.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.runtime.server import documents
from aimass_compiler.runtime.server.access.budget import ROWS
from aimass_compiler.runtime.server.access.gate import gate_of
from aimass_compiler.runtime.server.answered_request import RequestEntry
from aimass_compiler.runtime.server.connection import EXTENSION
from aimass_compiler.runtime.server.connection_table import ConnectionTable
from aimass_compiler.runtime.server.metrics import CONTENT_TYPE
from aimass_compiler.runtime.server.model_service import (
    ModelService,
    document,
    nothing_at,
    refused_method,
    state_of,
)
from aimass_compiler.runtime.server.prediction_records import LoggedRecords
from aimass_compiler.runtime.server.record_folder import RecordFolder
from aimass_compiler.runtime.server.request import Receive, RequestIdentities, peer_of
from aimass_compiler.runtime.server.request_traces import RequestTraces, traces_to
from aimass_compiler.runtime.server.response import TRACE_HEADER, RequestError, Response, trace_of
from aimass_compiler.runtime.server.worker_peers import WorkerCounts, WorkerPeers

if TYPE_CHECKING:
    from aimass_compiler.runtime.server.log import EventLog
    from aimass_compiler.runtime.server.package import Package
    from aimass_compiler.runtime.server.prediction_records import RecordSink
    from aimass_compiler.runtime.server.settings import ServerSettings

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]

#: What nginx logs for a caller that went away; nothing is sent.
_GONE = Response(499, b"")
_NO_EXTENSIONS: dict[str, Any] = {}
#: Nothing there, or another method: logged, but no request for a prediction.
_MISTAKEN = (404, 405)
#: Characters of a path that are repeated.
_SHOWN = 100
#: What every server answers of itself, beside its models.
SERVER_PATHS = (
    "/v2", "/v2/", conventions.READY_PATH, conventions.LIVE_PATH, conventions.METRICS_PATH,
)  # fmt: skip


class HttpApplication(ABC):
    """Answers requests for models; `is_draining` makes it unready while it goes on answering."""

    served: Mapping[str, str]

    def __init__(self, settings: ServerSettings, log: EventLog, peers: WorkerPeers | None = None) -> None:
        """With `peers`, as one of several workers."""
        self.peers = peers
        self.in_flight = 0
        self.is_draining = False
        self.is_closing = False
        """Whether it is too late to begin anything."""
        self.unfinished = 0
        """Requests that were begun, and cut off at the end."""
        self.connections = ConnectionTable(settings.connections, settings.patience_seconds)
        self.record_sink: RecordSink = LoggedRecords(log)
        if settings.record_folder is not None:
            self.record_sink = RecordFolder(settings.record_folder, settings.record_bytes, log)
        self.traces: RequestTraces | None = None
        self._log = log
        self._identities = RequestIdentities()

    @property
    def is_ready(self) -> bool:
        """Whether callers may come: to all workers, where there are several."""
        return not self.is_draining and (self.peers is None or self.peers.have_started)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started = monotonic()
        headers = dict(scope["headers"])
        identity = self._identities.of(headers)
        model, path = self._addressed(scope["path"], headers)
        if model is None or path not in model.endpoints or scope["method"] != "POST":
            refused = None if model is None else self._shut_out(model, scope["path"], headers, peer_of(scope))
            answer = refused or await self._described(scope["method"], scope["path"], model, path, headers)
            await self._describe(scope, send, answer, identity)
            return
        self.in_flight += 1
        try:
            answer, caller = await self._asked(model, path, headers, receive, started, scope)
        except asyncio.CancelledError:  # a caller of gRPC went away, or would not wait any longer
            model.account.note(
                RequestEntry(
                    datetime.now(UTC), identity, scope["path"], monotonic() - started, _GONE, None, started
                )
            )
            raise
        finally:
            self.in_flight -= 1
        seconds = monotonic() - started
        trace = trace_of(headers.get(TRACE_HEADER))
        if answer is not _GONE:
            if trace is not None:
                answer = answer._replace(headers=(*answer.headers, (TRACE_HEADER, trace)))
            answer = await self._delivered(scope, send, answer, identity)
        entry = RequestEntry(
            datetime.now(UTC), identity, scope["path"], seconds, answer, trace, started, caller
        )
        model.account.note(entry)

    async def _delivered(self, scope: Scope, send: Send, answer: Response, identity: bytes) -> Response:
        """Send an answer; `_GONE` where its caller did not take it."""
        await self._send(send, answer, identity)
        connection = scope.get("extensions", _NO_EXTENSIONS).get(EXTENSION)
        if connection is not None and connection.is_held_up and not await connection.took():
            return _GONE
        return answer

    async def _asked(
        self, model: ModelService, path: str, headers: Headers, receive: Receive, started: float, scope: Scope
    ) -> tuple[Response, str | None]:
        """The answer to a caller that may ask, charged to it, and its name; to others, why there is none."""
        if model.gate is None:
            return await model.ask(path, headers, receive, started) or _GONE, None
        try:
            visit = model.gate.admit(headers, peer_of(scope))
        except RequestError as error:
            return error.answer(), error.caller
        answer = await model.ask(path, headers, receive, started)
        if answer is None:
            return _GONE, visit.caller
        rows = answer.explained if answer.prediction is None else answer.prediction.rows
        if rows:
            visit.spend(ROWS, rows)
        return answer._replace(headers=(*answer.headers, *visit.headers())), visit.caller

    @abstractmethod
    def begin(self) -> None:
        """Begin what goes on beside requests; the event loop runs."""

    @abstractmethod
    def close(self) -> None:
        """Let no thread keep the process from ending, and count what was answered last."""

    def _end_exports(self) -> None:
        """Hand over the last records and spans."""
        self.record_sink.close()
        if self.traces is not None:
            self.traces.close()

    @abstractmethod
    def _addressed(self, path: str, headers: Headers) -> tuple[ModelService | None, str]:
        """Which model a request is for, if one is served here, and what it asks of it."""

    @abstractmethod
    async def _metrics_text(self) -> bytes:
        """All metrics as Prometheus scrapes them."""

    @abstractmethod
    def _missing(self, path: str, headers: Headers) -> Response:
        """The answer where nothing is."""

    async def _described(
        self, method: str, path: str, model: ModelService | None, own_path: str, headers: Headers
    ) -> Response:
        if model is not None and own_path in model.endpoints:
            return refused_method(method, path, "POST")
        answer = await self._own(path)
        if answer is None and model is not None:
            answer = model.got(own_path)
        if answer is None:
            return self._missing(path, headers)
        return answer if method in ("GET", "HEAD") else refused_method(method, path, "GET")

    def _shut_out(self, model: ModelService, path: str, headers: Headers, peer: str) -> Response | None:
        """Why an unknown caller may not even look; None for callers, and where probes and scrapes come."""
        if model.gate is None or path in SERVER_PATHS or path.endswith("/ready"):
            return None
        try:
            model.gate.identify(headers, peer)
        except RequestError as error:
            return error.answer()
        return None

    async def _own(self, path: str) -> Response | None:
        """What the server answers of itself."""
        if path == conventions.READY_PATH:
            return state_of({}, is_ready=self.is_ready)
        if path == conventions.LIVE_PATH:
            return document({"live": True})
        if path == conventions.METRICS_PATH:
            return Response(200, await self._metrics_text(), ((b"content-type", CONTENT_TYPE),))
        return document(documents.server_metadata()) if path in ("/v2", "/v2/") else None

    async def _describe(self, scope: Scope, send: Send, answer: Response, identity: bytes) -> None:
        if answer.status in _MISTAKEN:
            fields = {
                "id": identity.decode(),
                "method": scope["method"],
                "path": scope["path"][:_SHOWN],
                "code": answer.status,
            }
            self._log.event("request", fields)
        await self._send(send, answer, identity)

    async def _send(self, send: Send, answer: Response, identity: bytes) -> None:
        headers = [
            *answer.headers,
            (b"content-length", b"%d" % len(answer.body)),
            (b"x-request-id", identity),
        ]
        if self.is_draining:
            # The caller's next request belongs to another server.
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


class Application(HttpApplication):
    """Serves one package."""

    def __init__(
        self,
        package: Package,
        settings: ServerSettings,
        log: EventLog,
        peers: WorkerPeers | None = None,
    ) -> None:
        """Load and warm up the model; raises ServerFailure when the package does not fit together."""
        super().__init__(settings, log, peers)
        self.served = {"model": package.signature.model, "version": package.signature.version}
        self.traces = traces_to(settings, self.served)
        self.model = ModelService(package, settings, log, self, gate=gate_of(settings, log))
        self.model.metrics.watch(self.connections, log)

    def begin(self) -> None:
        """Tell other workers what was counted; else nothing goes on beside requests."""
        if self.peers is not None:
            self._telling = asyncio.ensure_future(self.peers.answer(self._counted))

    def close(self) -> None:
        self.model.close()
        self._end_exports()

    def _addressed(self, path: str, headers: Headers) -> tuple[ModelService, str]:
        del headers  # whatever they say, it is this model
        return self.model, path

    async def _metrics_text(self) -> bytes:
        if self.peers is None:
            self.model.account.settle()
            return self.model.metrics.text()
        others = await self.peers.others()
        self.model.account.settle()
        with self.model.drift.joined([(found.rows, found.counts) for found in others if found.counts]):
            return self.peers.total(self.model.metrics.text(), others)

    def _counted(self) -> WorkerCounts:
        self.model.account.settle()
        return WorkerCounts(self.model.metrics.text(), *self.model.drift.counted())

    def _missing(self, path: str, headers: Headers) -> Response:
        del headers
        return nothing_at(path, self.model.hint(path, SERVER_PATHS))
