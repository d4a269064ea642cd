"""Spans of requests, exported by OTLP over HTTP from a thread of the library's own.

A request's spans are made when it is settled, from times that were noted while it was answered: what is not
sampled costs next to nothing, and no answer waits for a collector.

Sources: https://www.w3.org/TR/trace-context/ and https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    SpanKind,
    Status,
    StatusCode,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from aimass_compiler.runtime.server.response import TRACE_HEADER, logged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.runtime.server.answered_request import AnsweredRequest


_SERVER_ERROR = 500
_EXPORT_SECONDS = 5.0
#: How long the end waits for a collector.
_CLOSE_SECONDS = 2.0


class Traces:
    """Makes spans of a share of the requests; of those with a trace, of all that their callers sampled."""

    def __init__(self, endpoint: str, sample: float, service: str, version: str) -> None:
        """Export to the collector at an address."""
        resource = Resource.create({"service.name": service, "service.version": version})
        self._sample = sample
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("aimass")
        self._propagator = TraceContextTextMapPropagator()

    def note(self, request: AnsweredRequest) -> Mapping[str, str]:
        """Make the spans of a request if it is sampled; answers what its log line says of its trace."""
        told = {} if request.trace is None else logged(request.trace)
        if not self._is_sampled(request.trace):
            return told
        offset = time.time_ns() - time.monotonic_ns()
        carrier = {} if request.trace is None else {TRACE_HEADER.decode(): request.trace.decode()}
        span = self._tracer.start_span(
            f"POST {request.path}",
            self._propagator.extract(carrier),
            SpanKind.SERVER,
            {
                "http.request.method": "POST",
                "url.path": request.path,
                "http.response.status_code": request.status,
                **request.attributes,
            },
            start_time=_nanoseconds(request.started, offset),
        )
        if request.status >= _SERVER_ERROR:
            span.set_status(Status(StatusCode.ERROR))
        for name, began, ended in request.parts:
            part = self._tracer.start_span(
                name, set_span_in_context(span), start_time=_nanoseconds(began, offset)
            )
            part.end(_nanoseconds(ended, offset))
        span.end(_nanoseconds(request.ended, offset))
        context = span.get_span_context()
        own = {"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}
        return {**told, **own}

    def _is_sampled(self, trace: bytes | None) -> bool:
        if trace is not None:
            return bool(int(trace[-2:], 16) & 1)
        return random.random() < self._sample  # noqa: S311  # no secret

    def close(self) -> None:
        """Export what is left, though not for ever."""
        ending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        ending.start()
        ending.join(_CLOSE_SECONDS)


def _nanoseconds(seconds: float, offset: int) -> int:
    return int(seconds * 1e9) + offset
