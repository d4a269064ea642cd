"""What the servers of a model export of its requests, by the engine that runs it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.catalog.language_engine import ONNX, VLLM, engine_named
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.serving.token_times import promised

#: The share of requests or tokens that may be slower than each percentile's limit.
SLOW_SHARES = {"p50": 0.5, "p95": 0.05, "p99": 0.01}


class Timed(Struct, frozen=True):
    """One promised time: its histogram, the end of its bucket, and the share that may be late."""

    name: str
    histogram: str
    end: float
    share: float


class Requests(Struct, frozen=True):
    """The counter of requests, with the labels that choose those of callers and those that failed."""

    counter: str = conventions.METRIC_REQUESTS
    of_callers: tuple[str, ...] = ()
    failed: str = 'code=~"5.."'
    status: str = "code"
    """The label with how a request ended."""


class TextSeries(Struct, frozen=True):
    """What an engine exports that generates text."""

    prefix: str
    requests: Requests
    times: tuple[Timed, ...]
    waiting: int
    """How many requests may wait at one server within what is promised."""

    def metric(self, name: str) -> str:
        """What the engine calls one of the facts that all such engines export."""
        return f"{self.prefix}{name}"


#: vLLM counts requests by the class of their status, and probes and scrapes not at all.
_OF_VLLM = Requests("http_requests_total", ('handler=~"/v1/.+"',), 'status="5xx"', "status")
#: By the engine that runs a model.
REQUESTS = {ONNX.name: Requests(), VLLM.name: _OF_VLLM}


def text_of(serving: Serving) -> TextSeries | None:
    """What is exported of a language model; None for any other."""
    if serving.engine is None or serving.context is None:
        return None
    from aimass_compiler.render.serving.queue_scaler import most_waiting

    prefix = engine_named(serving.engine).metric_prefix
    times = tuple(_times(serving, prefix))
    return TextSeries(prefix, REQUESTS[serving.engine], times, most_waiting(serving))


def requests_of(serving: Serving) -> Requests:
    """How requests are counted, of any model."""
    text = text_of(serving)
    return Requests() if text is None else text.requests


def _times(serving: Serving, prefix: str) -> Iterator[Timed]:
    objectives = serving.objectives
    for name, times, metric in (
        ("first_token", objectives.first_token, conventions.METRIC_FIRST_TOKEN),
        ("token", objectives.token, conventions.METRIC_TOKEN),
    ):
        for percentile, seconds in promised(times).items():
            yield Timed(f"{name}_{percentile}", f"{prefix}{metric}", seconds, SLOW_SHARES[percentile])
