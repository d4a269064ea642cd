"""A log that nobody takes costs lines, and no answer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.runtime.server.log import _WAITING_BYTES, EventLog
from scripts.cluster.processes import free_ports
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import HOST, Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def logging_to(stdout: int | IO[bytes], folder: Path) -> Iterator[Server]:
    """A server with this standard output, found by the port that is free now."""
    command = [sys.executable, "-m", "aimass_compiler.runtime.server", str(packages.churn(folder / "churn"))]
    (port,) = free_ports(1)
    errors = folder / "stderr"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            [*command, "--host", HOST, "--port", str(port)], stdout=stdout, stderr=stderr
        )
    server = Server(process, port, errors)
    try:
        wait_for(server)
        yield server
    finally:
        process.kill()
        process.wait()


def wait_for(server: Server) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            server.get(conventions.LIVE_PATH)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(server.log.read_text())


def asked_for_long(server: Server) -> None:
    """More requests than a pipe takes lines of, the longest that a caller can make."""
    for _ in range(1200):
        assert server.ask("POST", "/predict", CHURN_EXAMPLE, {"x-request-id": "i" * 128}).status == 200


def test_a_reader_that_does_not_read_stops_no_answer(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    with os.fdopen(reads, "rb"), logging_to(writes, tmp_path) as server:
        os.close(writes)
        asked_for_long(server)
        assert server.get(conventions.READY_PATH).status == 200
        assert server.stop() == 0, "what no one reads is dropped, and not waited for"
    assert server.log.read_text() == ""


def test_a_disk_that_is_full_costs_lines_that_are_counted(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full, logging_to(full, tmp_path) as server:  # noqa: PTH123  # a device
        assert server.predict(CHURN_EXAMPLE).status == 200
        until = time.monotonic() + 30
        while server.metric(conventions.METRIC_LOG_DROPPED) < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert server.stop() == 0
    assert server.log.read_text() == ""


def test_a_reader_that_goes_away_stops_no_answer(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    with logging_to(writes, tmp_path) as server:
        os.close(writes)
        os.close(reads)
        assert server.predict(CHURN_EXAMPLE).status == 200
        assert server.stop() == 0
    assert server.log.read_text() == ""


def test_what_does_not_fit_is_dropped_and_counted_until_somebody_reads() -> None:
    reads, writes = os.pipe()
    line = {"text": "x" * 1000}
    many = 2 * _WAITING_BYTES // 1000
    with os.fdopen(reads, "rb") as reader, os.fdopen(writes, "wb") as stream:
        log = EventLog(stream)
        for _ in range(many):
            log.write([line])
        assert 0 < log.dropped < many
        taken = 0
        while taken < many - log.dropped:
            assert reader.readline().endswith(b"}\n")
            taken += 1
        log.event("back", {})
        assert b'"event":"back"' in reader.readline()
        log.close()


def test_lines_keep_their_order_and_are_written_before_the_end(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as stream, EventLog(stream) as log:
        for number in range(1000):
            log.write([{"number": number}])
    numbers = [f'{{"number":{number}}}' for number in range(1000)]
    assert (tmp_path / "log").read_text().splitlines() == numbers
