"""The server as an ASGI application: routes, limits, and one account of every request.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server import documents
from aimass_compiler.runtime.server.connection import EXTENSION
from aimass_compiler.runtime.server.connection_table import ConnectionTable
from aimass_compiler.runtime.server.contract import nearest
from aimass_compiler.runtime.server.drift import DriftMonitor
from aimass_compiler.runtime.server.endpoints import (
    ExplainEndpoint,
    InferEndpoint,
    PlainEndpoint,
    RawRequest,
)
from aimass_compiler.runtime.server.execution import Deadlines, Execution
from aimass_compiler.runtime.server.explanation import ExplainingModel
from aimass_compiler.runtime.server.metrics import CONTENT_TYPE, Metrics, RequestAccount, RequestEntry
from aimass_compiler.runtime.server.model import ContractModel, OnnxModel, verify_golden_rows
from aimass_compiler.runtime.server.request import Bodies, CallerGone, Receive, RequestIdentities
from aimass_compiler.runtime.server.response import JSON, TRACE_HEADER, RequestError, Response, trace_of

if TYPE_CHECKING:
    from aimass_compiler.runtime.server.endpoints import InferenceRequest
    from aimass_compiler.runtime.server.log import EventLog
    from aimass_compiler.runtime.server.package import Package, Signature
    from aimass_compiler.runtime.server.settings import ServerSettings

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: What nginx logs for a caller that went away; nothing is sent.
_GONE = Response(499, b"")
_NO_EXTENSIONS: dict[str, Any] = {}
#: Nothing there, or another method: logged, but no request for a prediction.
_MISTAKEN = (404, 405)
#: Characters of a path that are repeated.
_SHOWN = 100


class Application:
    """Serves one package; `is_draining` makes it unready while it goes on answering."""

    def __init__(self, package: Package, settings: ServerSettings, log: EventLog) -> None:
        """Load and warm up the model; raises ServerFailure when the package does not fit together."""
        signature = package.signature
        self.served: Mapping[str, str] = {"model": signature.model, "version": signature.version}
        self.in_flight = 0
        self.is_draining = False
        self.is_closing = False
        """Whether it is too late to begin anything."""
        self.unfinished = 0
        """Requests that were begun, and cut off at the end."""
        self._settings = settings
        self._log = log
        drift = DriftMonitor(package.reference, signature, settings.drift_window_seconds)
        self._metrics = Metrics(signature, package.reference, drift, lambda: self.in_flight)
        self._metrics.concurrency_limit.set(settings.concurrency)
        self.connections = ConnectionTable(settings.connections, settings.patience_seconds)
        self._metrics.watch(self.connections, log)
        self.account = RequestAccount(signature, settings, self._metrics, drift, log)
        self._deadlines = Deadlines(settings.timeout_seconds)
        model = OnnxModel(package, settings.threads)
        predictor = ContractModel(signature, model)
        verify_golden_rows(package, predictor)
        self.execution = Execution(predictor, signature, settings.timeout_seconds)
        self.explaining = _explaining(package, model, settings)
        together = settings.concurrency * settings.body_bytes
        self._bodies = Bodies(settings.body_bytes, together, self.execution.check)
        self._identities = RequestIdentities()
        self._endpoints = _endpoints(signature, settings.body_bytes)
        if self.explaining is not None:
            explain = ExplainEndpoint(signature, settings.body_bytes, settings.explained_rows)
            self._endpoints[conventions.EXPLAIN_PATH] = explain.read
        self._documents = _documents(signature, settings.explained_rows if self.explaining else 0)
        named = {"name": signature.model}
        self._states = {
            conventions.READY_PATH: {},
            **{f"{path}/ready": named for path in _model_paths(signature)},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        endpoint = self._endpoints.get(scope["path"])
        started = monotonic()
        headers = dict(scope["headers"])
        identity = self._identities.of(headers)
        if endpoint is None or scope["method"] != "POST":
            await self._describe(scope["method"], scope["path"], send, identity)
            return
        self.in_flight += 1
        try:
            explaining = self.explaining if scope["path"] == conventions.EXPLAIN_PATH else None
            execution = explaining or self.execution
            until = started + self._settings.timeout_seconds
            answer = await self._answer(execution, endpoint, headers, receive, until)
        except CallerGone:
            answer = _GONE
        finally:
            # Not behind the writing: a caller that reads slowly keeps nobody from being answered.
            self.in_flight -= 1
        seconds = monotonic() - started
        trace = trace_of(headers.get(TRACE_HEADER))
        if answer is not _GONE:
            if trace is not None:
                answer = answer._replace(headers=(*answer.headers, (TRACE_HEADER, trace)))
            await self._send(send, answer, identity)
            connection = scope.get("extensions", _NO_EXTENSIONS).get(EXTENSION)
            if connection is not None and connection.is_held_up and not await connection.took():
                answer = _GONE
        self.account.note(RequestEntry(datetime.now(UTC), identity, scope["path"], seconds, answer, trace))

    def close(self) -> None:
        """Let no thread keep the process from ending, and count what was answered last."""
        for execution in filter(None, (self.execution, self.explaining)):
            execution.close()
        self.account.settle()

    async def _answer(
        self,
        execution: Execution,
        endpoint: Callable[[RawRequest], InferenceRequest],
        headers: dict[bytes, bytes],
        receive: Receive,
        until: float,
    ) -> Response:
        if self.is_closing:
            return _stopping()
        body = None
        try:
            with self._deadlines():
                body = await self._bodies.read(receive, headers, until)
                return await execution.answer(endpoint, RawRequest(body, headers), until)
        except RequestError as error:
            return error.answer()
        except TimeoutError:
            return _late(self._settings.timeout_seconds, has_body=body is not None)
        except CallerGone:
            raise
        except asyncio.CancelledError:
            if not self.is_closing:
                raise
            self.unfinished += 1
            return _stopping()
        except Exception as error:  # noqa: BLE001  # a request must not end without an answer and a count
            self._log.event("failure", {"error": f"{type(error).__name__}: {error}"}, "error")
            return RequestError(500, "the model could not answer; the server's log says why").answer()

    async def _describe(self, method: str, path: str, send: Send, identity: bytes) -> None:
        answer = self._described(method, path)
        if answer.status in _MISTAKEN:
            fields = {
                "id": identity.decode(),
                "method": method,
                "path": path[:_SHOWN],
                "code": answer.status,
            }
            self._log.event("request", fields)
        await self._send(send, answer, identity)

    def _described(self, method: str, path: str) -> Response:
        if path in self._endpoints:
            return _refused_method(method, path, "POST")
        answer = self._got(path)
        if answer is None:
            hint = (
                "`serving.explanations` of its spec lets this model explain its answers"
                if path == conventions.EXPLAIN_PATH
                else nearest(path, (*self._endpoints, *self._documents, *self._states))
            )
            message = f"there is nothing at {path[:_SHOWN]}{'; ' if hint else ''}{hint}"
            return RequestError(404, message).answer()
        return answer if method in ("GET", "HEAD") else _refused_method(method, path, "GET")

    def _got(self, path: str) -> Response | None:
        state = self._states.get(path)
        if state is not None:
            return _document({**state, "ready": not self.is_draining}, 503 if self.is_draining else 200)
        if path == conventions.LIVE_PATH:
            return _document({"live": True})
        if path == conventions.METRICS_PATH:
            self.account.settle()
            return Response(200, self._metrics.text(), ((b"content-type", CONTENT_TYPE),))
        return self._documents.get(path)

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


def _explaining(package: Package, model: OnnxModel, settings: ServerSettings) -> Execution | None:
    """Where rows are explained, one request after the other, apart from predictions; None where none are."""
    background = package.reference.get("background")
    if background is None or not settings.explained_rows:
        return None
    explaining = ExplainingModel(package.signature, model, background)
    return Execution(explaining, package.signature, settings.timeout_seconds, threads=1)


def _model_paths(signature: Signature) -> tuple[str, str]:
    """The paths of the model, without a version and with its only one."""
    path = documents.model_path(signature)
    return path, f"{path}/versions/{signature.version}"


def _endpoints(signature: Signature, most_bytes: int) -> dict[str, Callable[[RawRequest], InferenceRequest]]:
    infer = InferEndpoint(signature, most_bytes).read
    return {
        conventions.PREDICT_PATH: PlainEndpoint(signature, most_bytes).read,
        **{f"{path}/infer": infer for path in _model_paths(signature)},
    }


def _documents(signature: Signature, explained_rows: int) -> dict[str, Response]:
    """What can be read at a path and never changes."""
    return {
        "/": _document(documents.index(signature, explained_rows)),
        "/v2": _document(documents.server_metadata()),
        "/v2/": _document(documents.server_metadata()),
        conventions.OPENAPI_PATH: _document(documents.openapi_document(signature, explained_rows)),
        **{path: _document(documents.model_metadata(signature)) for path in _model_paths(signature)},
    }


def _document(value: Any, status: int = 200) -> Response:
    return Response(status, orjson.dumps(value), (JSON,))


def _stopping() -> Response:
    message = "this server stops; another one answers"
    return RequestError(503, message, retry_after_seconds=1, is_final=True).answer()


def _late(seconds: float, *, has_body: bool) -> Response:
    if has_body:
        message = f"the prediction took longer than {seconds:g} s; send fewer rows at once"
        return RequestError(504, message).answer()
    return RequestError(408, f"the body did not arrive within {seconds:g} s", is_final=True).answer()


def _refused_method(method: str, path: str, wanted: str) -> Response:
    answer = RequestError(405, f"{path} takes {wanted}, not {method}").answer()
    return answer._replace(headers=(*answer.headers, (b"allow", wanted.encode())))
