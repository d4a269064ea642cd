"""The procedures of the Open Inference Protocol, of health checks and of reflection.

Each asks the application as a request over HTTP does, so that who may ask, limits, metrics and logs are the
same.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import grpc
import orjson
from google.protobuf.message import DecodeError

from aimass_compiler import conventions
from aimass_compiler.runtime.server.grpc_messages import (
    HEALTH,
    INFERENCE,
    PROTOCOLS,
    REFLECTIONS,
    Messages,
    Method,
    Protocol,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aimass_compiler.runtime.server.served_application import ServedApplication

_OK, _NOT_FOUND = 200, 404
#: Characters of a caller's name that are repeated.
_SHOWN = 60
_SERVING, _NOT_SERVING, _SERVICE_UNKNOWN = 1, 2, 3
#: How often whoever watches a server's health is told of a change.
_WATCH_SECONDS = 1.0
#: What a status of HTTP is called here. Source: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "RESOURCE_EXHAUSTED",
    415: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
#: Headers that say how HTTP carries a body, which a caller of a procedure has no say in.
_OF_HTTP = frozenset(
    ("connection", "content-encoding", "content-length", "content-type", "host", "te", "transfer-encoding")
)
#: What callers learn from the headers of an answer.
_TRAILERS = (b"retry-after", b"x-request-id", b"traceparent")


class _Answer(NamedTuple):
    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class InferenceService:
    """Handles calls by asking an application."""

    def __init__(self, application: ServedApplication) -> None:
        self._application = application
        self._messages = Messages()
        self._infer = self._message("ModelInferRequest")

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """One handler for each service."""
        procedures: dict[str, Callable[..., Any]] = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server_metadata,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._model_infer,
            "Check": self._check,
            "Watch": self._watch,
            "ServerReflectionInfo": self._reflect,
        }
        return [
            grpc.method_handlers_generic_handler(
                protocol.full_name,
                {
                    method.name: self._handler(protocol, method, procedures[method.name])
                    for method in protocol.methods
                },
            )
            for protocol in PROTOCOLS
        ]

    def _handler(self, protocol: Protocol, method: Method, procedure: Callable[..., Any]) -> Any:
        if method.name == "ModelInfer":  # the body is read, and refused, where it is one over HTTP
            return grpc.unary_unary_rpc_method_handler(procedure)
        takes, gives = (self._messages.of(protocol, name) for name in (method.takes, method.gives))
        made = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[method.takes_many, method.gives_many]
        return made(procedure, takes.FromString, gives.SerializeToString)

    def _message(self, name: str) -> Any:
        return self._messages.of(INFERENCE, name)

    # ---- the Open Inference Protocol ---------------------------------------------------------------

    async def _live(self, message: Any, context: Any) -> Any:
        del message
        answer = await self._asked(context, "GET", conventions.LIVE_PATH)
        return self._message("ServerLiveResponse")(live=answer.status == _OK)

    async def _ready(self, message: Any, context: Any) -> Any:
        del message
        return self._message("ServerReadyResponse")(ready=await self._is_ready(context))

    async def _model_ready(self, message: Any, context: Any) -> Any:
        answer = await self._asked(context, "GET", f"{_model_path(message.name, message.version)}/ready")
        if "ready" not in answer.json:
            await _refuse(context, answer, message)
        return self._message("ModelReadyResponse")(ready=answer.json["ready"])

    async def _server_metadata(self, message: Any, context: Any) -> Any:
        del message
        answer = await self._asked(context, "GET", "/v2")
        if answer.status != _OK:
            await _refuse(context, answer)
        return self._message("ServerMetadataResponse")(**answer.json)

    async def _model_metadata(self, message: Any, context: Any) -> Any:
        answer = await self._asked(context, "GET", _model_path(message.name, message.version))
        if answer.status != _OK:
            await _refuse(context, answer, message)
        found = answer.json
        tensors = {
            kind: [{key: tensor[key] for key in ("name", "datatype", "shape")} for tensor in found[kind]]
            for kind in ("inputs", "outputs")
        }
        named = {key: found[key] for key in ("name", "versions", "platform")}
        return self._message("ModelMetadataResponse")(**named, **tensors)

    async def _model_infer(self, body: bytes, context: Any) -> bytes:
        try:
            message = self._infer.FromString(body)
        except DecodeError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is no ModelInferRequest")
        named = self._message("ModelReadyRequest")(name=message.model_name, version=message.model_version)
        path = f"{_model_path(named.name, named.version)}/{conventions.GRPC_INFER}"
        answer = await self._asked(context, "POST", path, body)
        if answer.status != _OK:
            await _refuse(context, answer, named)
        context.set_trailing_metadata(_trailers(answer))
        return answer.body

    # ---- health and reflection ------------------------------------------------------------------------

    async def _is_ready(self, context: Any) -> bool:
        return (await self._asked(context, "GET", conventions.READY_PATH)).status == _OK

    async def _health(self, service: str, context: Any) -> int:
        if service not in ("", INFERENCE.full_name):
            return _SERVICE_UNKNOWN
        return _SERVING if await self._is_ready(context) else _NOT_SERVING

    async def _check(self, message: Any, context: Any) -> Any:
        status = await self._health(message.service, context)
        if status == _SERVICE_UNKNOWN:
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"there is no service `{message.service[:_SHOWN]}`"
            )
        return self._messages.of(HEALTH, "HealthCheckResponse")(status=status)

    async def _watch(self, message: Any, context: Any) -> AsyncIterator[Any]:
        told = None
        while not self._application.is_closing:
            status = await self._health(message.service, context)
            if status != told:
                yield self._messages.of(HEALTH, "HealthCheckResponse")(status=status)
                told = status
            await asyncio.sleep(_WATCH_SECONDS)

    async def _reflect(self, messages: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        del context
        async for message in messages:
            (protocol,) = [each for each in REFLECTIONS if each.package == message.DESCRIPTOR.file.package]
            answer = self._messages.of(protocol, "ServerReflectionResponse")(
                valid_host=message.host, original_request=message
            )
            asked = message.WhichOneof("message_request")
            file = None
            if asked in ("file_by_filename", "file_containing_symbol"):
                file = self._messages.file_of(getattr(message, asked))
            if asked == "list_services":
                for each in PROTOCOLS:
                    answer.list_services_response.service.add(name=each.full_name)
            elif file is not None:
                answer.file_descriptor_response.file_descriptor_proto.append(file)
            else:
                answer.error_response.error_code = grpc.StatusCode.NOT_FOUND.value[0]
                answer.error_response.error_message = "there is no such symbol"
            yield answer

    # ---- the application ---------------------------------------------------------------------------------

    async def _asked(self, context: Any, method: str, path: str, body: bytes = b"") -> _Answer:
        """What the application answers."""
        found: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            found.append(message)

        headers = [
            (name.encode(), value if isinstance(value, bytes) else value.encode())
            for name, value in context.invocation_metadata()
            if name not in _OF_HTTP
        ]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [*headers, (b"content-length", b"%d" % len(body))],
            "client": (_host(context.peer()), 0),
        }
        await self._application(scope, receive, send)
        start, rest = found
        return _Answer(start["status"], dict(start["headers"]), rest["body"])


def _host(peer: str) -> str:
    """The address in what the library calls a peer: `ipv4:10.0.0.7:5123`, or `ipv6:%5B::1%5D:5123`."""
    return unquote(peer.partition(":")[2].rpartition(":")[0]).strip("[]")


def _model_path(name: str, version: str) -> str:
    path = f"{conventions.MODELS_PATH}/{name}"
    return f"{path}/versions/{version}" if version else path


async def _refuse(context: Any, answer: _Answer, asked: Any = None) -> None:
    """End a call as HTTP would refuse it; `asked` names a model, which may be another one."""
    code = grpc.StatusCode[_CODES.get(answer.status, "UNKNOWN")]
    message = answer.json.get("error", "the server is not ready")
    if asked is not None and answer.status == _NOT_FOUND:
        version = f" in the version `{asked.version[:_SHOWN]}`" if asked.version else ""
        message = f"no model `{asked.name[:_SHOWN]}` is served here{version}"
    await context.abort(code, message, _trailers(answer))


def _trailers(answer: _Answer) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode(), answer.headers[name].decode()) for name in _TRAILERS if name in answer.headers
    )
