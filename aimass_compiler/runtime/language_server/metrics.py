"""What a language model's server counts: requests as every server does, and tokens as vLLM does."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from aimass_compiler import conventions
from aimass_compiler.runtime.server.metrics import Buckets, WatchedCollector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aimass_compiler.runtime.language_server.engine import EngineProcess, EngineQueue
    from aimass_compiler.runtime.language_server.package import LanguageSignature
    from aimass_compiler.runtime.language_server.settings import LanguageSettings
    from aimass_compiler.runtime.server.connection_table import ConnectionTable
    from aimass_compiler.runtime.server.log import EventLog

_PREFIX = conventions.ENGINE_PREFIXES["onnx"]
_NAMES = ("model",)
#: Every status that a request for an answer gets.
_STATUSES = (200, 400, 404, 408, 413, 415, 429, 499, 500, 503, 504)
#: The statuses with which the server protects itself, by the reason that is reported.
_REASONS = {429: "concurrency", 503: "stopping", 413: "body", 408: "slow_body", 504: "timeout"}
_FULL = 429
#: An answer takes seconds, where a row takes milliseconds.
_DURATION_ENDS = (*conventions.DURATION_BUCKETS, 30.0, 60.0, 120.0, 300.0, 600.0)


class LanguageMetrics:
    """Everything that one server counts; only requests for answers count as requests."""

    def __init__(
        self, signature: LanguageSignature, settings: LanguageSettings, in_flight: Callable[[], int]
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped there
        self.registry = CollectorRegistry()
        self._model = signature.model
        requests = self._counter(conventions.METRIC_REQUESTS, "Requests for answers.", "code")
        rejected = self._counter(conventions.METRIC_REJECTED, "Requests turned away by a limit.", "reason")
        full = self._counter(
            _PREFIX + conventions.METRIC_ADMISSION_REJECTIONS, "Requests that found no place.", "reason"
        )
        self._codes = cache(lambda code: requests.labels(self._model, str(code)))
        self._rejected = cache(lambda reason: rejected.labels(self._model, reason))
        self._full = full.labels(self._model, _REASONS[_FULL])
        # Exported before they happen: Prometheus sees no rise in a counter that begins with it.
        for status in _STATUSES:
            self._codes(status)
        for reason in _REASONS.values():
            self._rejected(reason)
        self._prompt_tokens = self._tokens(conventions.METRIC_PROMPT_TOKENS, "Tokens of prompts.")
        self._answer_tokens = self._tokens(conventions.METRIC_GENERATED_TOKENS, "Tokens of answers.")
        self._tokens(conventions.METRIC_PREEMPTIONS, "Answers that were put off for others; none ever is.")
        message = "Time from a request's first byte to the end of its answer."
        self._duration = self._histogram(conventions.METRIC_DURATION, message, _DURATION_ENDS)
        self._first_token = self._histogram(
            _PREFIX + conventions.METRIC_FIRST_TOKEN,
            "Time from a request's first byte to the first token of its answer.",
            (*conventions.FIRST_TOKEN_BUCKETS, *settings.first_token_buckets),
        )
        self._token = self._histogram(
            _PREFIX + conventions.METRIC_TOKEN,
            "Time between two tokens of an answer.",
            (*conventions.TOKEN_BUCKETS, *settings.token_buckets),
        )
        self._describe(signature, settings, in_flight)

    def _describe(
        self, signature: LanguageSignature, settings: LanguageSettings, in_flight: Callable[[], int]
    ) -> None:
        limit = self._gauge(conventions.METRIC_CONCURRENCY_LIMIT, "Requests that may be in flight.")
        limit.set(settings.concurrency)
        self._gauge(conventions.METRIC_IN_FLIGHT, "Requests in flight.").set_function(in_flight)
        trained = datetime.fromisoformat(signature.trained_at).timestamp()
        self._gauge(conventions.METRIC_TRAINED, "When the model was trained.").set(trained)
        names = ("model", "version")
        Gauge(conventions.METRIC_MODEL_INFO, "The model served.", names, registry=self.registry).labels(
            signature.model, signature.version
        ).set(1)
        ProcessCollector(registry=self.registry)

    def watch(
        self,
        queue: EngineQueue,
        process: EngineProcess,
        cache_tokens: int,
        connections: ConnectionTable,
        log: EventLog,
    ) -> None:
        """Export what others know, whenever it is asked for."""
        for name, message, read in (
            (conventions.METRIC_RUNNING, "Answers that are being written.", lambda: queue.running),
            (conventions.METRIC_WAITING, "Requests that wait for a place.", lambda: queue.waiting),
            (
                conventions.METRIC_CACHE_USAGE,
                "The share of the cache that answers take; 1 is full.",
                lambda: queue.tokens / cache_tokens,
            ),
        ):
            self._gauge(_PREFIX + name, message).set_function(read)
        ProcessCollector(namespace="aimass_engine", pid=lambda: process.pid, registry=self.registry)
        self._gauge(conventions.METRIC_CONNECTIONS, "Open connections.").set_function(connections.count)
        message = "The limit on open connections."
        self._gauge(conventions.METRIC_CONNECTIONS_LIMIT, message).set(connections.limit)
        self.registry.register(WatchedCollector(self._model, connections, log))

    def first_token(self, seconds: float, prompt_tokens: int) -> None:
        """Count an answer that has begun."""
        self._first_token.observe([seconds])
        self._prompt_tokens.inc(prompt_tokens)

    def tokens(self, count: int, seconds_between: Sequence[float]) -> None:
        """Count tokens, and the times that those after the first one took."""
        self._answer_tokens.inc(count)
        if seconds_between:
            self._token.observe(seconds_between)

    def answered(self, status: int, seconds: float, *, is_shut_out: bool = False) -> None:
        """Count a request; one that was shut out says nothing of what the server bears."""
        self._codes(status).inc()
        self._duration.observe([seconds])
        if is_shut_out:
            return
        if status in _REASONS:
            self._rejected(_REASONS[status]).inc()
        if status == _FULL:
            self._full.inc()

    def text(self) -> bytes:
        """All metrics as Prometheus scrapes them."""
        return generate_latest(self.registry)

    def _counter(self, name: str, message: str, label: str) -> Counter:
        return Counter(name, message, ("model", label), registry=self.registry)

    def _tokens(self, name: str, message: str) -> Counter:
        return Counter(_PREFIX + name, message, _NAMES, registry=self.registry).labels(self._model)

    def _gauge(self, name: str, message: str) -> Gauge:
        return Gauge(name, message, _NAMES, registry=self.registry).labels(self._model)

    def _histogram(self, name: str, message: str, ends: Sequence[float]) -> Buckets:
        histogram = Buckets(name, message, self._model, sorted(set(ends)))
        self.registry.register(histogram)
        return histogram
