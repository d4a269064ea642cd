"""The real server as a program of its own: started, watched and stopped."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline.serving import Limits

HOST = "127.0.0.1"
_MODULE = "aimass_compiler.runtime.server"
_START_SECONDS = 120
_LOOK_SECONDS = 0.02
_LOG_LINES = 12
_RESIDENT = re.compile(r"^process_resident_memory_bytes (\S+)$", re.MULTILINE)


class ServerDied(Exception):  # noqa: N818  # of the served model, not an error of ours
    """The server ended, or never became ready; the message says how, with the end of its log."""


@dataclass(frozen=True)
class RunningServer:
    """A server that became ready."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def check(self) -> None:
        """Raise ServerDied when it runs no more."""
        code = self.process.poll()
        if code is not None:
            raise ServerDied(f"the server ended with {_ending(code)} while it was asked; {_tail(self.log)}")

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a GET."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def resident_bytes(self) -> float | None:
        """The memory that it holds, as its metrics tell; None on systems where they do not."""
        found = _RESIDENT.search(self.get(conventions.METRICS_PATH)[1])
        return float(found[1]) if found else None

    def end(self, seconds: float) -> str:
        """Wait until it ended by itself; answers what was wrong about that, or nothing."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"the server still ran {seconds:g} s after SIGTERM; {_tail(self.log)}"
        if code:
            return f"the server ended with {_ending(code)} after SIGTERM, not 0; {_tail(self.log)}"
        return ""


@contextmanager
def running(package: Path, limits: Limits) -> Iterator[RunningServer]:
    """A ready server with these limits on a free port; it is gone when the block ends.

    Raises ServerDied when it does not become ready.
    """
    variables = {
        conventions.VARIABLE_CONCURRENCY: str(limits.concurrency),
        conventions.VARIABLE_TIMEOUT_SECONDS: f"{limits.timeout.seconds:g}",
        conventions.VARIABLE_BODY_BYTES: str(limits.body.size),
    }
    command = [sys.executable, "-m", _MODULE, str(package), f"--host={HOST}", "--port=0"]
    with tempfile.TemporaryDirectory(prefix="aimass-test-") as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(  # noqa: S603  # this Python, and a package of the pipeline's own
                command, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, **variables}
            )
        try:
            yield RunningServer(process, _ready_port(process, log), log)
        finally:
            process.kill()
            process.wait()


def terminate(server: RunningServer) -> None:
    """Ask it to stop, as Kubernetes does."""
    server.process.send_signal(signal.SIGTERM)


def _ready_port(process: subprocess.Popen[bytes], log: Path) -> int:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        # Looked at before the log: what the process wrote last is then in it.
        code = process.poll()
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            event = _event(line)
            if event.get("event") == "ready":
                return int(event["port"])
        if code is not None:
            raise ServerDied(f"the server ended with {_ending(code)} before it was ready; {_tail(log)}")
        time.sleep(_LOOK_SECONDS)
    raise ServerDied(f"the server was not ready within {_START_SECONDS} s; {_tail(log)}")


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:  # a line that is being written, or a traceback
        return {}
    return event if isinstance(event, dict) else {}


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
    return "its log ends:\n" + "\n".join(f"    {line}" for line in lines) if lines else "its log is empty"
