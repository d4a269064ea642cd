"""One package as it is served: contract, limits, drift, metrics and the account of its requests."""

from __future__ import annotations

import asyncio
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server import documents
from aimass_compiler.runtime.server.access.caller_document import for_callers
from aimass_compiler.runtime.server.access.caller_metrics import CallerCollector
from aimass_compiler.runtime.server.contract import nearest
from aimass_compiler.runtime.server.drift import DriftMonitor
from aimass_compiler.runtime.server.endpoints import (
    ExplainEndpoint,
    InferEndpoint,
    PlainEndpoint,
    RawRequest,
)
from aimass_compiler.runtime.server.execution import Deadlines, Execution
from aimass_compiler.runtime.server.explanations.explaining_model import ExplainingModel
from aimass_compiler.runtime.server.metrics import Metrics, RequestAccount
from aimass_compiler.runtime.server.model import ContractModel, OnnxModel, verify_golden_rows
from aimass_compiler.runtime.server.prediction_records import PredictionRecords
from aimass_compiler.runtime.server.request import Bodies, CallerGone, Receive
from aimass_compiler.runtime.server.response import JSON, RequestError, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aimass_compiler.runtime.server.access.gate import AccessGate
    from aimass_compiler.runtime.server.endpoints import InferenceRequest
    from aimass_compiler.runtime.server.log import EventLog
    from aimass_compiler.runtime.server.model_signature import Signature
    from aimass_compiler.runtime.server.package import Package
    from aimass_compiler.runtime.server.prediction_records import RecordSink
    from aimass_compiler.runtime.server.request_traces import RequestTraces
    from aimass_compiler.runtime.server.settings import ServerSettings
    from aimass_compiler.runtime.server.turns import Sharing

#: Characters of a path that are repeated.
_SHOWN = 100


class ServerState(Protocol):
    """What a model asks of the server that it is in."""

    @property
    def is_ready(self) -> bool:
        """Whether callers may come."""

    is_closing: bool
    """Whether it is too late to begin anything."""
    unfinished: int
    """Requests that were begun, and cut off at the end."""
    record_sink: RecordSink
    """Where records of predictions go."""
    traces: RequestTraces | None
    """What makes spans of requests."""


class ModelService:
    """Answers requests for one model; all that they change stays its own."""

    def __init__(
        self,
        package: Package,
        settings: ServerSettings,
        log: EventLog,
        server: ServerState,
        sharing: Sharing | None = None,
        gate: AccessGate | None = None,
    ) -> None:
        """Load and warm up the model; raises ServerFailure when the package does not fit together.

        With `sharing`, other models are served beside it. Without a `gate`, anyone may ask.
        """
        self.gate = gate
        self.signature = signature = package.signature
        self.in_flight = 0
        self._settings, self._log, self._server, self._sharing = settings, log, server, sharing
        self.drift = drift = DriftMonitor(
            package.reference, signature, settings.drift_window_seconds, method=settings.drift_method
        )
        self.metrics = Metrics(signature, package.reference, drift, lambda: self.in_flight)
        self.metrics.concurrency_limit.set(settings.concurrency)
        if gate is not None:
            self.metrics.registry.register(CallerCollector(signature.model, gate))
        named = {} if sharing is None else {"model": signature.model}
        self._records = PredictionRecords(signature, settings, server.record_sink)
        self.account = RequestAccount(signature, settings, self.metrics, drift, log, named, self._records)
        self.account.traces = server.traces
        self._deadlines = Deadlines(settings.timeout_seconds)
        model = OnnxModel(package, settings.threads, is_frugal=sharing is not None)
        predictor = ContractModel(signature, model)
        verify_golden_rows(package, predictor)
        self.execution = Execution(predictor, signature, settings.timeout_seconds, sharing=sharing)
        self.explaining = _explaining(package, model, settings, sharing)
        together = settings.concurrency * settings.body_bytes
        self._bodies = Bodies(settings.body_bytes, together, self.execution.check)
        self.endpoints = _endpoints(signature, settings.body_bytes)
        if settings.grpc_port is not None:
            self.endpoints |= _grpc_endpoints(signature, settings.body_bytes)
        if self.explaining is not None:
            self.endpoints |= _explain_endpoint(package, settings)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path at which there is something of this model."""
        return (*self.endpoints, *self._documents, *(f"{path}/ready" for path in model_paths(self.signature)))

    async def ask(
        self, path: str, headers: dict[bytes, bytes], receive: Receive, started: float
    ) -> Response | None:
        """The answer to a request to one of the endpoints; None where its caller went away."""
        execution = self.explaining if path == conventions.EXPLAIN_PATH else None
        until = started + self._settings.timeout_seconds
        self.in_flight += 1
        try:
            return await self._answer(
                execution or self.execution, self.endpoints[path], headers, receive, until
            )
        except CallerGone:
            return None
        finally:
            # Not behind the writing: a caller that reads slowly keeps nobody from being answered.
            self.in_flight -= 1

    async def _answer(
        self,
        execution: Execution,
        endpoint: Callable[[RawRequest], InferenceRequest],
        headers: dict[bytes, bytes],
        receive: Receive,
        until: float,
    ) -> Response:
        if self._server.is_closing:
            return _stopping()
        body = None
        try:
            self._require_place()
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
            if not self._server.is_closing:
                raise
            self._server.unfinished += 1
            return _stopping()
        except Exception as error:  # noqa: BLE001  # a request must not end without an answer and a count
            self._log.event("failure", {"error": f"{type(error).__name__}: {error}"}, "error")
            return RequestError(500, "the model could not answer; the server's log says why").answer()

    def _require_place(self) -> None:
        """Raise RequestError (503) where others would wait for more of this model than it may have."""
        limit = self._settings.concurrency
        if self._sharing is not None and self.in_flight > limit:
            message = f"{limit} requests for this model are being answered, which is all that it may have"
            raise RequestError(503, f"{message}; try again", retry_after_seconds=1)

    def got(self, path: str) -> Response | None:
        """What can be read at a path; None where there is nothing."""
        written = self._documents.get(path)
        if written is not None:
            return written()
        if any(path == f"{own}/ready" for own in model_paths(self.signature)):
            return state_of({"name": self.signature.model}, is_ready=self._server.is_ready)
        return None

    def hint(self, path: str, others: tuple[str, ...] = ()) -> str:
        """What may have been meant by a path at which there is nothing."""
        if path == conventions.EXPLAIN_PATH:
            return "`serving.explanations` of its spec lets this model explain its answers"
        return nearest(path, (*self.paths, *others))

    def close(self) -> None:
        """Let no thread keep the process from ending, and count what was answered last."""
        for execution in filter(None, (self.execution, self.explaining)):
            execution.close()
        self.account.settle()
        self._records.close()

    @cached_property
    def _documents(self) -> dict[str, Callable[[], Response]]:
        """What can be read at a path and never changes; written when it is asked for, as it seldom is."""
        signature = self.signature
        rows = self._settings.explained_rows if self.explaining is not None else 0
        metadata = partial(documents.model_metadata, signature)
        written: dict[str, Callable[[], Any]] = {
            "/": partial(documents.index, signature, rows),
            conventions.OPENAPI_PATH: partial(self._contract, rows),
            **dict.fromkeys(model_paths(signature), metadata),
        }
        return {path: partial(_written, make) for path, make in written.items()}

    def _contract(self, explained_rows: int) -> Mapping[str, Any]:
        document = documents.openapi_document(self.signature, explained_rows)
        return document if self.gate is None else for_callers(document)


def _explaining(
    package: Package, model: OnnxModel, settings: ServerSettings, sharing: Sharing | None
) -> Execution | None:
    """Where rows are explained, one request after the other, apart from predictions; None where none are."""
    background = package.reference.get("background")
    if background is None or not settings.explained_rows:
        return None
    explaining = ExplainingModel(package, model, background)
    return Execution(explaining, package.signature, settings.timeout_seconds, threads=1, sharing=sharing)


def model_paths(signature: Signature) -> tuple[str, str]:
    """The paths of the model, without a version and with its only one."""
    path = documents.model_path(signature)
    return path, f"{path}/versions/{signature.version}"


def _endpoints(signature: Signature, most_bytes: int) -> dict[str, Callable[[RawRequest], InferenceRequest]]:
    infer = InferEndpoint(signature, most_bytes).read
    return {
        conventions.PREDICT_PATH: PlainEndpoint(signature, most_bytes).read,
        **{f"{path}/infer": infer for path in model_paths(signature)},
    }


def _grpc_endpoints(
    signature: Signature, most_bytes: int
) -> dict[str, Callable[[RawRequest], InferenceRequest]]:
    from aimass_compiler.runtime.server.grpc_endpoint import GrpcInferEndpoint

    infer = GrpcInferEndpoint(signature, most_bytes).read
    return {f"{path}/{conventions.GRPC_INFER}": infer for path in model_paths(signature)}


def _explain_endpoint(
    package: Package, settings: ServerSettings
) -> dict[str, Callable[[RawRequest], InferenceRequest]]:
    scale = package.reference["background"].get("scale", conventions.PROBABILITY)
    explain = ExplainEndpoint(package.signature, settings.body_bytes, settings.explained_rows, scale)
    return {conventions.EXPLAIN_PATH: explain.read}


def document(value: Any, status: int = 200) -> Response:
    """An answer of JSON."""
    return Response(status, orjson.dumps(value), (JSON,))


def state_of(named: Mapping[str, Any], *, is_ready: bool) -> Response:
    """Whether something is ready, as the Open Inference Protocol says it."""
    return document({**named, "ready": is_ready}, 200 if is_ready else 503)


def refused_method(method: str, path: str, wanted: str) -> Response:
    """What a path answers that takes another method."""
    answer = RequestError(405, f"{path} takes {wanted}, not {method}").answer()
    return answer._replace(headers=(*answer.headers, (b"allow", wanted.encode())))


def nothing_at(path: str, hint: str) -> Response:
    """What a path answers at which there is nothing."""
    message = f"there is nothing at {path[:_SHOWN]}{'; ' if hint else ''}{hint}"
    return RequestError(404, message).answer()


def _written(make: Callable[[], Any]) -> Response:
    return document(make())


def _stopping() -> Response:
    message = "this server stops; another one answers"
    return RequestError(503, message, retry_after_seconds=1, is_final=True).answer()


def _late(seconds: float, *, has_body: bool) -> Response:
    if has_body:
        message = f"the prediction took longer than {seconds:g} s; send fewer rows at once"
        return RequestError(504, message).answer()
    return RequestError(408, f"the body did not arrive within {seconds:g} s", is_final=True).answer()
