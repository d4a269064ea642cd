"""Spans of requests reach a collector, and cost nothing where there is none."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from server import packages
from server.collector import Collector, collecting, values
from server.packages import CHURN_EXAMPLE
from server.serving import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

PARENT = "b7ad6b7169203331"


def trace(number: int) -> str:
    return f"{number:032x}"


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Collector]]:
    package = packages.churn(tmp_path_factory.mktemp("traces") / "churn")
    with (
        collecting() as collector,
        serving(
            package,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            OTEL_TRACES_SAMPLER_ARG="0",
            OTEL_BSP_SCHEDULE_DELAY="100",
        ) as server,
    ):
        yield server, collector


def asked(server: Server, number: int, flags: str, name: str, **change: Any) -> int:
    headers = {"traceparent": f"00-{trace(number)}-{PARENT}-{flags}", "x-request-id": name}
    return server.ask("POST", "/predict", {**CHURN_EXAMPLE, **change}, headers).status


def test_a_request_is_a_span_below_its_callers_with_what_it_waited_for(
    traced: tuple[Server, Collector],
) -> None:
    server, collector = traced
    before = time.time_ns()
    assert asked(server, 1, "01", "sampled") == 200
    spans = collector.of(trace(1), 3)
    request, queue, inference = spans["POST /predict"], spans["queue"], spans["inference"]
    assert (request.parent_span_id.hex(), request.kind) == (PARENT, 2)
    assert {queue.parent_span_id, inference.parent_span_id} == {request.span_id}
    told = values(request.attributes)
    assert (told["http.response.status_code"], told["aimass.rows"], told["aimass.model"]) == (200, 1, "churn")
    assert told["aimass.request_id"] == "sampled"
    times = [
        before, request.start_time_unix_nano, queue.end_time_unix_nano, inference.end_time_unix_nano,
        request.end_time_unix_nano, time.time_ns(),
    ]  # fmt: skip
    assert times == sorted(times)
    assert queue.end_time_unix_nano == inference.start_time_unix_nano
    assert collector.resources[0]["service.name"] == "churn"
    (line,) = [event for event in server.events() if event.get("id") == "sampled"]
    assert (line["trace_id"], line["span_id"], line["parent_id"]) == (
        trace(1), request.span_id.hex(), PARENT,
    )  # fmt: skip


def test_what_is_refused_is_a_span_and_what_is_not_sampled_is_none(traced: tuple[Server, Collector]) -> None:
    server, collector = traced
    assert asked(server, 2, "00", "unsampled") == 200
    assert asked(server, 3, "01", "refused", age=7) == 422
    (request,) = collector.of(trace(3), 1).values()
    assert values(request.attributes)["http.response.status_code"] == 422
    assert request.status.code == 0
    assert collector.of(trace(2), 1, seconds=0.3) == {}
    assert server.predict(CHURN_EXAMPLE).status == 200  # of its own, none of which is sampled
    assert len({span.trace_id for span in collector.spans} - {bytes.fromhex(trace(n)) for n in (1, 3)}) == 0


def test_requests_without_a_trace_begin_one_and_the_last_are_exported_at_the_end(
    traced: tuple[Server, Collector],
) -> None:
    first, collector = traced
    with serving(
        first.log.parent / "churn", "--traces-sample=1", "--traces-endpoint", collector.endpoint
    ) as server:
        assert server.predict(CHURN_EXAMPLE).status == 200
        assert server.stop() == 0
        (line,) = [event for event in server.events() if event.get("path") == "/predict"]
    assert collector.of(line["trace_id"], 3, seconds=1).keys() == {"POST /predict", "queue", "inference"}
    assert "parent_id" not in line


def test_a_collector_that_is_gone_delays_no_answer_and_no_end(traced: tuple[Server, Collector]) -> None:
    first, _ = traced
    flags = ("--traces-sample=1", "--traces-endpoint=http://127.0.0.1:9", "--stay-seconds=0")
    with serving(first.log.parent / "churn", *flags) as server:
        began = time.monotonic()
        for _ in range(20):
            assert server.predict(CHURN_EXAMPLE).status == 200
        assert time.monotonic() - began < 5
        assert server.stop(10) == 0


def test_without_a_collector_no_library_of_traces_is_loaded() -> None:
    servers = (f"aimass_compiler.runtime.{name}.__main__" for name in ("server", "language_server"))
    heavy = "name.partition('.')[0] in ('opentelemetry', 'requests', 'grpc')"
    told = f"sys.exit(repr([name for name in sys.modules if {heavy}] or 0))"
    program = f"import sys, {', '.join(servers)}; {told}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr in ("", "0\n")
