"""The server of a language model as an ASGI application: routes, limits, and an account of every request.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from itertools import count
from time import monotonic, time
from typing import TYPE_CHECKING, Any

import jinja2
import orjson

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.language_server.account import AnswerAccount
from aimass_compiler.runtime.language_server.admission import AnswerAdmission
from aimass_compiler.runtime.language_server.answer_request import AnswerRequest
from aimass_compiler.runtime.language_server.documents import AnswerForm, refusal
from aimass_compiler.runtime.language_server.engine import (
    EngineGone,
    EngineProcess,
    EngineQueue,
    PendingAnswer,
)
from aimass_compiler.runtime.language_server.exchange import Exchange
from aimass_compiler.runtime.language_server.generation import GenerationRequest
from aimass_compiler.runtime.language_server.metrics import LanguageMetrics
from aimass_compiler.runtime.language_server.proof import verify_golden_prompts
from aimass_compiler.runtime.language_server.protocol import RequestReader
from aimass_compiler.runtime.language_server.structure import default_guide
from aimass_compiler.runtime.language_server.text import ChatTemplate, Tokenizer
from aimass_compiler.runtime.language_server.writer import Headers, ResponseWriter, Send
from aimass_compiler.runtime.server.access.caller_metrics import CallerCollector
from aimass_compiler.runtime.server.access.gate import AccessGate
from aimass_compiler.runtime.server.connection import EXTENSION
from aimass_compiler.runtime.server.connection_table import ConnectionTable
from aimass_compiler.runtime.server.contract import nearest
from aimass_compiler.runtime.server.metrics import CONTENT_TYPE
from aimass_compiler.runtime.server.request import (
    Bodies,
    CallerGone,
    Receive,
    RequestIdentities,
    peer_of,
)
from aimass_compiler.runtime.server.response import (
    JSON,
    TRACE_HEADER,
    RequestError,
    Response,
    ServerFailure,
)

if TYPE_CHECKING:
    from aimass_compiler.runtime.language_server.package import LanguagePackage
    from aimass_compiler.runtime.language_server.protocol import WantedAnswer
    from aimass_compiler.runtime.language_server.settings import LanguageSettings
    from aimass_compiler.runtime.server.log import EventLog

Scope = dict[str, Any]
#: What nginx logs for a caller that went away; nothing is sent.
_GONE = Response(499, b"")
_IS_CHAT = {conventions.CHAT_PATH: True, conventions.COMPLETIONS_PATH: False}
#: Where kubelets and Prometheus come, who are no callers.
_OPEN_PATHS = (
    conventions.READY_PATH, conventions.HEALTH_PATH, conventions.LIVE_PATH, conventions.METRICS_PATH,
)  # fmt: skip
#: Characters of a path that are repeated.
_SHOWN = 100


class LanguageApplication:
    """Serves one language model; `is_draining` makes it unready while it goes on answering."""

    def __init__(self, package: LanguagePackage, settings: LanguageSettings, log: EventLog) -> None:
        """Load the model and prove it; raises ServerFailure when the package does not fit together."""
        signature = package.signature
        self.served: Mapping[str, str] = {"model": signature.model, "version": signature.version}
        self.in_flight = 0
        self.is_draining = False
        self.is_closing = False
        self.unfinished = 0
        self.connections = ConnectionTable(settings.connections, settings.patience_seconds)
        self._settings = settings
        self._log = log
        self._stop_ids = signature.stop_ids
        self._created = int(time())
        self._tokenizer = Tokenizer(package.folder, package.vocabulary)
        template = _template(package)
        self._engine = EngineProcess(package.folder, settings.threads)
        self._prove(package, template)
        self._queue = EngineQueue(self._engine, settings.concurrent, self._stop)
        context = min(signature.context, settings.context or signature.context)
        guide = default_guide(signature.output, settings.structured_output)
        self._reader = RequestReader(signature.model, self._tokenizer, template, context, guide)
        self._bodies = Bodies(settings.body_bytes, settings.concurrency * settings.body_bytes, _take_any)
        self._admission = AnswerAdmission(settings.concurrency, settings.concurrent, settings.timeout_seconds)
        self._metrics = LanguageMetrics(signature, settings, lambda: self.in_flight)
        self._metrics.watch(self._queue, self._engine, settings.concurrent * context, self.connections, log)
        self._account = AnswerAccount(settings, self._metrics, log, self.served)
        self._gate = None if settings.access is None else AccessGate(settings.access, log)
        if self._gate is not None:
            self._metrics.registry.register(CallerCollector(signature.model, self._gate))
        self._identities = RequestIdentities()
        self._numbers = count(1)
        self._documents = _documents(signature.model, signature.version, context, self._created)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        identity = self._identities.of(headers)
        path = scope["path"]
        if path not in _IS_CHAT or scope["method"] != "POST":
            described = self._shut_out(path, headers, peer_of(scope)) or self._described(
                scope["method"], path
            )
            await self._describe(scope["method"], path, described, send, identity)
            return
        request = AnswerRequest(path, headers, identity, monotonic(), peer_of(scope))
        self.in_flight += 1
        try:
            answer = await self._answered(request, receive, send)
        except CallerGone:
            answer = _GONE
        finally:
            # Not behind the writing: a caller that reads slowly keeps nobody from being answered.
            self.in_flight -= 1
        seconds = monotonic() - request.started
        if answer is not None and answer is not _GONE:
            await self._send(send, answer, self._headers(request))
            connection = scope.get("extensions", {}).get(EXTENSION)
            if connection is not None and connection.is_held_up and not await connection.took():
                answer = _GONE
        status = 200 if answer is None else answer.status
        self._account.note(request.entry(status, seconds, None if answer is None else answer.field))

    def begin(self) -> None:
        """Nothing goes on beside requests: the engine began when it was made."""

    def close(self) -> None:
        """End the engine; raises ServerFailure where it had ended by itself."""
        self._engine.close()
        self._account.close()
        if self._queue.is_gone:
            raise ServerFailure(ExitCode.SERVICE, "the engine's process ended while it was needed")

    def _prove(self, package: LanguagePackage, template: ChatTemplate) -> None:
        try:
            verify_golden_prompts(package, self._tokenizer, template, self._engine)
        except ServerFailure:
            self._engine.close()
            raise

    def _stop(self) -> None:
        """Without an engine there is nothing to answer with: end, so that another server is started."""
        self._log.event("engine ended", {"writing": self.in_flight}, "error")
        os.kill(os.getpid(), signal.SIGTERM)

    async def _answered(self, request: AnswerRequest, receive: Receive, send: Send) -> Response | None:
        """The response; None where it was streamed, and is over."""
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await self._generate(request, receive, send)
        except RequestError as error:
            return await _broken_off(request, error, send)
        except EngineGone:
            return await _broken_off(request, _stopping(), send)
        except TimeoutError:
            return await _broken_off(request, _late(request, self._settings.timeout_seconds), send)
        except CallerGone:
            raise
        except asyncio.CancelledError:
            if not self.is_closing:
                raise
            self.unfinished += 1
            return await _broken_off(request, _stopping(), send)
        except Exception as error:  # noqa: BLE001  # a request must not end without an answer and a count
            self._log.event("failure", {"error": f"{type(error).__name__}: {error}"}, "error")
            message = "the model could not answer; the server's log says why"
            return await _broken_off(request, RequestError(500, message), send)

    async def _generate(self, request: AnswerRequest, receive: Receive, send: Send) -> Response | None:
        if self.is_closing:
            raise _stopping()
        self._admit(request)
        self._admission.check(self.in_flight, self._queue.waiting)
        body = await self._bodies.read(receive, request.headers, request.started)
        request.wanted = wanted = self._reader.read(body, is_chat=_IS_CHAT[request.path])
        request.spend(len(wanted.prompt))
        ask = GenerationRequest(
            next(self._numbers),
            wanted.prompt,
            wanted.most,
            wanted.sampling,
            wanted.least,
            wanted.guide,
            wanted.alternatives,
        )
        answer = self._queue.ask(ask)
        watching = asyncio.ensure_future(_leave_with(receive, answer))
        try:
            return await self._write(request, wanted, answer, send)
        finally:
            watching.cancel()
            self._queue.give_up(answer)

    def _admit(self, request: AnswerRequest) -> None:
        if self._gate is None:
            return
        try:
            request.visit = self._gate.admit(request.headers, request.peer)
            request.caller = request.visit.caller
        except RequestError as error:
            request.caller, request.is_shut_out = error.caller, True
            raise

    async def _write(
        self, request: AnswerRequest, wanted: WantedAnswer, answer: PendingAnswer, send: Send
    ) -> Response | None:
        exchange = Exchange(wanted, answer, self._queue, self._stop_ids, request.started)
        request.exchange = exchange
        form = AnswerForm(
            request.identity.decode(), **self.served, created=int(time()), is_chat=wanted.is_chat
        )
        request.writer = writer = ResponseWriter(form, wanted, self._tokenizer)
        began = monotonic()
        try:
            if not wanted.is_streamed:
                return await writer.whole(exchange, self._metrics)
            await writer.stream(exchange, self._metrics, send, self._headers(request))
            return None
        finally:
            request.spend(exchange.tokens)
            self._admission.ended(monotonic() - began)

    def _headers(self, request: AnswerRequest) -> Headers:
        headers = [(b"x-request-id", request.identity)]
        if request.visit is not None:
            headers += request.visit.headers()
        if request.trace is not None:
            headers.append((TRACE_HEADER, request.trace))
        if self.is_draining:
            # The caller's next request belongs to another server.
            headers.append((b"connection", b"close"))
        return headers

    async def _describe(self, method: str, path: str, answer: Response, send: Send, identity: bytes) -> None:
        if answer.status in (404, 405):
            fields = {"id": identity.decode(), "method": method, "path": path[:_SHOWN], "code": answer.status}
            self._log.event("request", fields)
        close = [(b"connection", b"close")] if self.is_draining else []
        await self._send(send, answer, [(b"x-request-id", identity), *close])

    def _shut_out(self, path: str, headers: dict[bytes, bytes], peer: str) -> Response | None:
        """Why an unknown caller may not even look; None for callers, and where probes and scrapes come."""
        if self._gate is None or path in _OPEN_PATHS:
            return None
        try:
            self._gate.identify(headers, peer)
        except RequestError as error:
            return refusal(error)
        return None

    def _described(self, method: str, path: str) -> Response:
        wanted = "POST" if path in _IS_CHAT else "GET"
        answer = None if path in _IS_CHAT else self._got(path)
        if wanted == "GET" and answer is None:
            hint = nearest(path, (*_IS_CHAT, *self._documents))
            message = f"there is nothing at {path[:_SHOWN]}{'; ' if hint else ''}{hint}"
            is_model = path.startswith(f"{conventions.SERVED_MODELS_PATH}/")
            return refusal(RequestError(404, message, "model" if is_model else None))
        if answer is None or method not in ("GET", "HEAD"):
            found = refusal(RequestError(405, f"{path} takes {wanted}, not {method}"))
            return found._replace(headers=(*found.headers, (b"allow", wanted.encode())))
        return answer

    def _got(self, path: str) -> Response | None:
        if path in (conventions.READY_PATH, conventions.HEALTH_PATH):
            is_ready = not self.is_draining
            return _document({"ready": is_ready}, 200 if is_ready else 503)
        if path == conventions.METRICS_PATH:
            return Response(200, self._metrics.text(), ((b"content-type", CONTENT_TYPE),))
        return self._documents.get(path)

    async def _send(self, send: Send, answer: Response, headers: Headers) -> None:
        length = (b"content-length", b"%d" % len(answer.body))
        start = {"type": "http.response.start", "status": answer.status}
        await send({**start, "headers": [*answer.headers, length, *headers]})
        await send({"type": "http.response.body", "body": answer.body})


async def _broken_off(request: AnswerRequest, error: RequestError, send: Send) -> Response | None:
    """The error as a response, or at the end of a stream that was begun."""
    if request.writer is None or not request.writer.is_begun:
        return refusal(error)
    request.broken = error
    await request.writer.break_off(error, send)
    return None


async def _leave_with(receive: Receive, answer: PendingAnswer) -> None:
    """Leave the answer when its caller goes away."""
    with contextlib.suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass
        answer.leave()


def _template(package: LanguagePackage) -> ChatTemplate:
    try:
        return ChatTemplate(package.template)
    except jinja2.TemplateError as error:
        message = f"the chat template of {package.folder} cannot be read: {error}"
        raise ServerFailure(ExitCode.PACKAGE, message) from error


def _take_any(size: int, until: float) -> None:
    """Take a body of any size below the limit: not it takes time, but what is answered to it."""


def _documents(model: str, version: str, context: int, created: int) -> dict[str, Response]:
    """What can be read at a path and never changes."""
    served = {
        "id": model,
        "object": "model",
        "created": created,
        "owned_by": conventions.MANAGER,
        "root": version,
        "max_model_len": context,
    }
    index = {
        "model": model,
        "version": version,
        "context": context,
        "paths": [*_IS_CHAT, conventions.SERVED_MODELS_PATH, conventions.METRICS_PATH],
    }
    return {
        "/": _document(index),
        conventions.LIVE_PATH: _document({"live": True}),
        conventions.SERVED_MODELS_PATH: _document({"object": "list", "data": [served]}),
        f"{conventions.SERVED_MODELS_PATH}/{model}": _document(served),
    }


def _document(value: Any, status: int = 200) -> Response:
    return Response(status, orjson.dumps(value), (JSON,))


def _stopping() -> RequestError:
    message = "this server stops; another one answers"
    return RequestError(503, message, retry_after_seconds=1, is_final=True)


def _late(request: AnswerRequest, seconds: float) -> RequestError:
    if request.wanted is None:
        return RequestError(408, f"the body did not arrive within {seconds:g} s", is_final=True)
    return RequestError(504, f"the answer took longer than {seconds:g} s; ask for fewer tokens")
