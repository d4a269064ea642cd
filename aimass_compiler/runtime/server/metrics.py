"""The metrics that alerts and dashboards read, in Prometheus' text format."""

from __future__ import annotations

from collections import Counter as Tally
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from aimass_compiler import conventions
from aimass_compiler.runtime.server.buckets import Buckets
from aimass_compiler.runtime.server.connection_table import REASONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aimass_compiler.runtime.server.connection_table import ConnectionTable
    from aimass_compiler.runtime.server.drift import Drift
    from aimass_compiler.runtime.server.log import Log
    from aimass_compiler.runtime.server.signature import Signature

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
#: The statuses with which the server protects itself, by the reason that `aimass_rejected_total` tells.
_REASONS = {503: "concurrency", 413: "body", 408: "slow_body", 504: "timeout"}
#: Every status that a request for a prediction is answered with.
_STATUSES = (200, 400, 408, 413, 415, 422, 499, 500, 503, 504)
#: The field of a violation that names no field of the model: names that callers invent are not labels.
_UNKNOWN_FIELD = "(unknown)"
_NAMES = ("model",)


class Metrics:
    """Everything that one server counts; only requests for predictions count as requests."""

    def __init__(
        self, signature: Signature, reference: Mapping[str, Any], drift: Drift, in_flight: Callable[[], int]
    ) -> None:
        # A second series a counter, with the time of its making, would say nothing that anyone reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped there
        self.registry = CollectorRegistry()
        self._model = signature.model
        self._fields = frozenset(field.name for field in signature.fields)
        counters = self._counters()
        self._codes = cache(lambda code: counters["requests"].labels(self._model, str(code)))
        self._rejected, self._violations = counters["rejected"], counters["violations"]
        self._begin()
        self._duration = Buckets(
            conventions.METRIC_DURATION,
            "Time from a request's first byte to its answer.",
            signature.model,
            conventions.DURATION_BUCKETS,
        )
        self.registry.register(self._duration)
        self._rows = counters["rows"].labels(self._model)
        self._labels = {label: counters["labels"].labels(self._model, label) for label in signature.labels}
        self._predictions = None if signature.labels else self._histogram(reference["prediction"]["edges"])
        self._describe(signature, in_flight)
        ProcessCollector(registry=self.registry)
        self.registry.register(_DriftCollector(signature.model, drift))

    def _begin(self) -> None:
        """Tell of everything before it happens: Prometheus sees no rise in a counter that begins with it."""
        for status in _STATUSES:
            self._codes(status)
        for reason in _REASONS.values():
            self._rejected.labels(self._model, reason)
        for field in (*sorted(self._fields), _UNKNOWN_FIELD):
            self._violations.labels(self._model, field)

    def _counters(self) -> dict[str, Counter]:
        declared = {
            "requests": (conventions.METRIC_REQUESTS, "Requests for predictions.", ("model", "code")),
            "rejected": (
                conventions.METRIC_REJECTED,
                "Requests turned away by a limit.",
                ("model", "reason"),
            ),
            "violations": (
                conventions.METRIC_VIOLATIONS,
                "Requests that broke the contract.",
                ("model", "field"),
            ),
            "rows": (conventions.METRIC_ROWS, "Rows that were predicted.", _NAMES),
            "labels": (conventions.METRIC_LABELS, "Rows that were given a label.", ("model", "label")),
        }
        return {
            key: Counter(name, documentation, labels, registry=self.registry)
            for key, (name, documentation, labels) in declared.items()
        }

    def _histogram(self, edges: Sequence[float]) -> Buckets:
        message = "Predicted values."
        histogram = Buckets(conventions.METRIC_PREDICTION, message, self._model, sorted(set(edges)))
        self.registry.register(histogram)
        return histogram

    def _describe(self, signature: Signature, in_flight: Callable[[], int]) -> None:
        self.concurrency_limit = self._gauge(
            conventions.METRIC_CONCURRENCY_LIMIT, "Requests that may be in flight."
        )
        self._gauge(conventions.METRIC_IN_FLIGHT, "Requests in flight.").set_function(in_flight)
        trained = datetime.fromisoformat(signature.trained_at).timestamp()
        self._gauge(conventions.METRIC_TRAINED, "When the model was trained.").set(trained)
        Gauge(
            conventions.METRIC_MODEL_INFO, "The model served.", ("model", "version"), registry=self.registry
        ).labels(signature.model, signature.version).set(1)

    def _gauge(self, name: str, told: str) -> Gauge:
        return Gauge(name, told, _NAMES, registry=self.registry).labels(self._model)

    def watch(self, connections: ConnectionTable, log: Log) -> None:
        """Tell of connections, and of log lines that were lost, whenever they are asked for."""
        message = "Open connections."
        self._gauge(conventions.METRIC_CONNECTIONS, message).set_function(connections.count)
        message = "The limit on open connections."
        self._gauge(conventions.METRIC_CONNECTIONS_LIMIT, message).set(connections.limit)
        self.registry.register(_WatchedCollector(self._model, connections, log))

    def answered(self, requests: Sequence[tuple[int, float, str | None]]) -> None:
        """Count requests by code, seconds, and the field over which each was refused."""
        self._duration.observe([seconds for _, seconds, _ in requests])
        for code, count in Tally(code for code, _, _ in requests).items():
            self._codes(code).inc(count)
            if code in _REASONS:
                self._rejected.labels(self._model, _REASONS[code]).inc(count)
        for _, _, field in requests:
            if field is not None:
                known = field if field in self._fields else _UNKNOWN_FIELD
                self._violations.labels(self._model, known).inc()

    def predicted(self, values: Sequence[Any]) -> None:
        """Count rows by what was predicted: labels, or numbers."""
        self._rows.inc(len(values))
        if self._predictions is not None:
            self._predictions.observe(values)
            return
        for label, count in Tally(values).items():
            if label in self._labels:
                self._labels[label].inc(count)

    def text(self) -> bytes:
        """All metrics as Prometheus scrapes them."""
        return generate_latest(self.registry)


class _WatchedCollector(Collector):
    """Counters that others keep."""

    def __init__(self, model: str, connections: ConnectionTable, log: Log) -> None:
        self._model = model
        self._connections = connections
        self._log = log

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Connections that the server ended, by reason, and log lines that it dropped."""
        family = CounterMetricFamily(
            conventions.METRIC_CONNECTIONS_ENDED,
            "Connections that the server ended for what the caller did.",
            labels=("model", "reason"),
        )
        for reason in REASONS:
            family.add_metric([self._model, reason], self._connections.refused[reason])
        yield family
        family = CounterMetricFamily(
            conventions.METRIC_LOG_DROPPED,
            "Log lines that were dropped, because their reader was too slow or the disk full.",
            labels=_NAMES,
        )
        family.add_metric([self._model], self._log.dropped)
        yield family


class _DriftCollector(Collector):
    """Computes drift when it is scraped, and not before."""

    def __init__(self, model: str, drift: Drift) -> None:
        self._model = model
        self._drift = drift

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The rows of the window, and the index of every feature once there are any."""
        rows, scores = self._drift.scores()
        family = GaugeMetricFamily(conventions.METRIC_DRIFT_ROWS, "Rows of the drift window.", labels=_NAMES)
        family.add_metric([self._model], rows)
        yield family
        family = GaugeMetricFamily(
            conventions.METRIC_DRIFT,
            "Population stability index of the window against training.",
            labels=("model", "feature"),
        )
        for feature, score in sorted(scores.items()):
            family.add_metric([self._model, feature], score)
        yield family
