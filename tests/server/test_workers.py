"""Several workers are one server: its limits, its metrics, its readiness, its end."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.runtime.server.summed_metrics import counted, summed
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import Server, serving
from server.test_grpc import EXAMPLE, Caller, grpc_port
from server.test_process import start

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 3


@pytest.fixture
def several(tmp_path: Path) -> Iterator[Server]:
    flags = (f"--workers={WORKERS}", "--grpc-port=0", "--stay-seconds=0.3", "--concurrency=9")
    with serving(packages.churn(tmp_path / "churn"), *flags) as server:
        yield server


def processes(server: Server) -> list[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(child) for child in children.split()]


def asked(server: Server, count: int) -> int:
    """How many of so many requests, each on a connection of its own, are answered."""
    with ThreadPoolExecutor(8) as threads:
        replies = [threads.submit(server.predict, CHURN_EXAMPLE) for _ in range(count)]
        return sum(reply.result().status == 200 for reply in replies)


def test_they_answer_and_count_as_one(several: Server) -> None:
    assert len(processes(several)) == WORKERS
    assert asked(several, 60) == 60
    assert several.predict({**CHURN_EXAMPLE, "age": 7}).status == 422
    assert len(Caller(grpc_port(several)).ask("ModelInfer", model_name="churn", inputs=EXAMPLE).outputs) == 2
    for _ in range(3):  # whichever is asked
        assert several.metric("aimass_requests_total", code="200") == 61
        assert several.metric("aimass_request_duration_seconds_count") == 62
        assert several.metric("aimass_contract_violations_total", field="age") == 1
        assert several.metric("aimass_drift_window_rows") == 61
        assert several.metric("aimass_drift_psi", feature="plan") > 0
        assert several.metric("aimass_concurrency_limit") == 9
        assert several.metric("aimass_model_info", model="churn") == 1
        assert several.metric("aimass_workers_ready") == WORKERS
    lines = several.events()
    assert sum(line["event"] == "request" for line in lines) == 62
    assert len({line["worker"] for line in lines if line["event"] == "worker ready"}) == WORKERS


def test_one_that_crashes_is_replaced_and_nothing_that_was_counted_is_lost(several: Server) -> None:
    assert asked(several, 20) == 20
    assert several.metric("aimass_requests_total", code="200") == 20
    killed = processes(several)[0]
    os.kill(killed, signal.SIGKILL)
    while killed in processes(several):  # what it accepts in its last moment it takes with it
        time.sleep(0.01)
    assert several.metric("aimass_requests_total", code="200") == 20
    assert asked(several, 20) == 20
    assert several.get("/v2/health/ready").status == 200
    until = time.monotonic() + 20
    while several.metric("aimass_workers_ready") < WORKERS and time.monotonic() < until:
        time.sleep(0.1)
    assert several.metric("aimass_worker_restarts_total") == 1
    assert several.metric("aimass_requests_total", code="200") == 40
    assert len(processes(several)) == WORKERS
    (line,) = [event for event in several.events() if event["event"] == "worker ended"]
    assert line["code"] == -signal.SIGKILL


def test_all_end_when_the_server_is_told_to(several: Server) -> None:
    children = processes(several)
    assert several.stop() == 0
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    last = json.loads(several.log.read_text().splitlines()[-1])
    assert (last["event"], last["unfinished"]) == ("stop", 0)


def test_none_outlives_a_server_that_was_killed(several: Server) -> None:
    children = processes(several)
    several.process.kill()
    until = time.monotonic() + 20
    while [child for child in children if Path(f"/proc/{child}").exists()] and time.monotonic() < until:
        time.sleep(0.1)
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_a_package_that_none_can_serve_ends_it_with_their_code(tmp_path: Path) -> None:
    package = packages.churn(tmp_path / "churn")
    (package / "model.onnx").write_bytes(b"damaged")
    ended = start(package, "--workers=2", "--port=0")
    assert ended.returncode == 15
    assert "model.onnx" in ended.stderr


def test_a_supervisor_is_small(several: Server) -> None:
    loaded = Path(f"/proc/{several.process.pid}/maps").read_text()
    assert "onnxruntime" not in loaded
    assert "uvloop" not in loaded


PAGE = b"""# HELP a_total Things.
# TYPE a_total counter
a_total{of="x"} 2.0
# HELP b Things now.
# TYPE b gauge
b 3.0
# HELP aimass_drift_psi Index.
# TYPE aimass_drift_psi gauge
aimass_drift_psi{feature="x"} 0.5
"""


def test_pages_are_added_up_but_for_what_is_of_one() -> None:
    more = PAGE.replace(b'of="x"', b'of="y"')
    lines = summed([PAGE, PAGE, more], [counted([PAGE])]).decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        'a_total{of="x"} 6.0', 'a_total{of="y"} 2.0', "b 9.0", 'aimass_drift_psi{feature="x"} 0.5',
    ]  # fmt: skip
    assert counted([PAGE, PAGE]).decode().splitlines()[2:] == ['a_total{of="x"} 4.0']
