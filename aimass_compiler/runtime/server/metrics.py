"""The metrics that alerts and dashboards read, and the account of answered requests that feeds them.

One request's share of metrics, drift and log lines touches so much code that it costs more than a small
model's prediction; done for dozens in a row the same work is several times cheaper.
"""

from __future__ import annotations

import asyncio
import collections
import random
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import numpy
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from aimass_compiler import conventions
from aimass_compiler.runtime.server.answered_request import answered_request
from aimass_compiler.runtime.server.connection_table import REASONS
from aimass_compiler.runtime.server.drift import PREDICTION, watched_of
from aimass_compiler.runtime.server.response import logged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.answered_request import RequestEntry
    from aimass_compiler.runtime.server.connection_table import ConnectionTable
    from aimass_compiler.runtime.server.drift import DriftMonitor
    from aimass_compiler.runtime.server.log import EventLog
    from aimass_compiler.runtime.server.model_signature import Signature
    from aimass_compiler.runtime.server.prediction_records import PredictionRecords
    from aimass_compiler.runtime.server.request_traces import RequestTraces
    from aimass_compiler.runtime.server.response import Prediction
    from aimass_compiler.runtime.server.settings import ServerSettings


class Buckets(Collector):
    """Counts of one series, labelled with the model; a bucket includes its upper end."""

    def __init__(self, name: str, documentation: str, model: str, ends: Sequence[float]) -> None:
        self._name = name
        self._documentation = documentation
        self._model = model
        self._ends = numpy.array(ends, dtype=numpy.float64)
        self._counts = numpy.zeros(len(ends) + 1, dtype=numpy.int64)
        self._sum = 0.0

    def observe(self, values: Sequence[float]) -> None:
        """Count what is finite: one NaN would make the sum NaN for good."""
        found = numpy.array(values, dtype=numpy.float64)
        found = found[numpy.isfinite(found)]
        places = numpy.searchsorted(self._ends, found, side="left")
        self._counts += numpy.bincount(places, minlength=len(self._counts))
        self._sum += float(found.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The cumulative counts, as Prometheus has them."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=("model",))
        ends = [*map(floatToGoString, self._ends.tolist()), "+Inf"]
        counts = [float(count) for count in accumulate(self._counts.tolist())]
        family.add_metric([self._model], list(zip(ends, counts, strict=True)), self._sum)
        yield family


CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
#: The statuses with which the server protects itself, by the reason that `aimass_rejected_total` reports.
_REASONS = {503: "concurrency", 413: "body", 408: "slow_body", 504: "timeout"}
#: Every status that a request for a prediction is answered with.
_STATUSES = (200, 400, 408, 413, 415, 422, 499, 500, 503, 504)
#: The field of a violation that names no field of the model: names that callers invent are not labels.
_UNKNOWN_FIELD = "(unknown)"
_NAMES = ("model",)


class Metrics:
    """Everything that one server counts; only requests for predictions count as requests."""

    def __init__(
        self,
        signature: Signature,
        reference: Mapping[str, Any],
        drift: DriftMonitor,
        in_flight: Callable[[], int],
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
        self._is_multilabel = bool(signature.thresholds)
        self._labels = {label: counters["labels"].labels(self._model, label) for label in signature.labels}
        self._predictions = None if signature.labels else self._histogram(reference["prediction"]["edges"])
        self._describe(signature, in_flight)
        self.registry.register(_DriftCollector(signature.model, drift))

    def _begin(self) -> None:
        """Export everything before it happens: Prometheus sees no rise in a counter that begins with it."""
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

    def _gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(name, documentation, _NAMES, registry=self.registry).labels(self._model)

    def watch(self, connections: ConnectionTable, log: EventLog) -> None:
        """Export the process, connections and log lines that were lost, whenever they are asked for."""
        ProcessCollector(registry=self.registry)
        message = "Open connections."
        self._gauge(conventions.METRIC_CONNECTIONS, message).set_function(connections.count)
        message = "The limit on open connections."
        self._gauge(conventions.METRIC_CONNECTIONS_LIMIT, message).set(connections.limit)
        self.registry.register(WatchedCollector(self._model, connections, log))

    def answered(self, requests: Sequence[tuple[int, float, str | None]]) -> None:
        """Count requests by code, seconds, and the field over which each was refused."""
        self._duration.observe([seconds for _, seconds, _ in requests])
        for code, count in collections.Counter(code for code, _, _ in requests).items():
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
        given = values if not self._is_multilabel else chain.from_iterable(map(self._given, values))
        for label, count in collections.Counter(given).items():
            if label in self._labels:
                self._labels[label].inc(count)

    def _given(self, row: Sequence[bool]) -> Iterator[str]:
        """The labels that a row is given."""
        return (name for name, is_given in zip(self._labels, row, strict=True) if is_given)

    def text(self) -> bytes:
        """All metrics as Prometheus scrapes them."""
        return generate_latest(self.registry)


class WatchedCollector(Collector):
    """Counters that others keep."""

    def __init__(self, model: str, connections: ConnectionTable, log: EventLog) -> None:
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

    def __init__(self, model: str, drift: DriftMonitor) -> None:
        self._model = model
        self._drift = drift

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The rows of the window, and the distance of every feature once there are any."""
        rows, scores = self._drift.scores()
        method = self._drift.method
        family = GaugeMetricFamily(conventions.METRIC_DRIFT_ROWS, "Rows of the drift window.", labels=_NAMES)
        family.add_metric([self._model], rows)
        yield family
        family = GaugeMetricFamily(
            method.series,
            f"{method.begun} of the window against training.",
            labels=("model", "feature"),
        )
        for feature, score in sorted(scores.items()):
            family.add_metric([self._model, feature], score)
        yield family


_MOST_ENTRIES = 64
_MOST_ROWS = 1024
#: How late a log line may be; metrics never are, because a scrape settles first.
_SECONDS = 0.2
_SERVER_ERROR = 500
_NOT_TRACED: Mapping[str, str] = {}


class RequestAccount:
    """Collects entries of one event loop and settles them together."""

    def __init__(
        self,
        signature: Signature,
        settings: ServerSettings,
        metrics: Metrics,
        drift: DriftMonitor,
        log: EventLog,
        named: Mapping[str, str],
        records: PredictionRecords,
    ) -> None:
        """Write `named` into each line, by which it is known whose it is."""
        self._signature = signature
        self._named = named
        self._access_share = settings.access_log
        self._records = records
        self._metrics = metrics
        self._drift = drift
        self._log = log
        self._answer = conventions.LABEL_OUTPUT if signature.labels else conventions.PREDICTION_OUTPUT
        if signature.thresholds:
            self._answer = conventions.LABELS_OUTPUT
        self.traces: RequestTraces | None = None
        self._entries: list[RequestEntry] = []
        self._rows = 0

    def note(self, entry: RequestEntry) -> None:
        """Take up an entry, to be settled within a fifth of a second."""
        if not self._entries:
            asyncio.get_running_loop().call_later(_SECONDS, self.settle)
        self._entries.append(entry)
        if entry.answer.prediction is not None:
            self._rows += entry.answer.prediction.rows
        if len(self._entries) >= _MOST_ENTRIES or self._rows >= _MOST_ROWS:
            self.settle()

    def settle(self) -> None:
        """Count and log everything noted so far."""
        entries, self._entries, self._rows = self._entries, [], 0
        if not entries:
            return
        self._metrics.answered(
            [(entry.answer.status, entry.seconds, entry.answer.field) for entry in entries]
        )
        predictions = [entry.answer.prediction for entry in entries if entry.answer.prediction is not None]
        if predictions:
            self._metrics.predicted(
                list(chain.from_iterable(self._watched(found).tolist() for found in predictions))
            )
            self._drift.observe(
                [
                    {**found.tensors, **watched_of(found.outputs), PREDICTION: self._watched(found)}
                    for found in predictions
                ]
            )
        traced = [self._traced(entry) for entry in entries]
        self._log.write(
            {**self._line(entry), **told}
            for entry, told in zip(entries, traced, strict=True)
            if self._is_logged(entry.answer.status)
        )
        self._records.take(entries)

    def _watched(self, prediction: Prediction) -> NDArray[Any]:
        """What is counted of each row, [N]: of a forecast the mean over its horizon; all labels, [N, L]."""
        answers = prediction.outputs[self._answer]
        return answers if answers.ndim == 1 or answers.dtype == bool else answers.mean(axis=1)

    def _is_logged(self, status: int) -> bool:
        if self._access_share in (0, 1):
            return self._access_share == 1
        return status >= _SERVER_ERROR or random.random() < self._access_share  # noqa: S311  # no secret

    def _line(self, entry: RequestEntry) -> dict[str, Any]:
        answer = entry.answer
        line = {
            "time": entry.time,
            "level": "info",
            "event": "request",
            "id": entry.identity.decode(),
            "method": "POST",
            "path": entry.path,
            "code": answer.status,
            "rows": answer.explained if answer.prediction is None else answer.prediction.rows,
            "milliseconds": round(entry.seconds * 1000, 3),
            **self._named,
        }
        if answer.field is not None:
            line["field"] = answer.field
        if entry.caller is not None:
            line["caller"] = entry.caller
        return line

    def _traced(self, entry: RequestEntry) -> Mapping[str, str]:
        """What a log line says of the request's trace, whose spans are made where traces go somewhere."""
        if self.traces is None:
            return _NOT_TRACED if entry.trace is None else logged(entry.trace)
        return self.traces.note(answered_request(entry, self._signature))
