"""A real server process for the tests, and short ways to ask it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 120
NO_HEADERS: dict[str, str] = {}


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    """A server that is ready."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        """One request on a connection of its own; a body that is no bytes is sent as JSON."""
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            connection.request(method, path, sent, dict(headers))
            reply = connection.getresponse()
            named = {name.lower(): value for name, value in reply.getheaders()}
            return Reply(reply.status, named, reply.read())
        finally:
            connection.close()

    def get(self, path: str) -> Reply:
        return self.ask("GET", path)

    def predict(self, *rows: Mapping[str, Any]) -> Reply:
        return self.ask("POST", "/predict", {"rows": rows})

    def infer(self, model: str, **document: Any) -> Reply:
        return self.ask("POST", f"/v2/models/{model}/infer", document)

    def metric(self, name: str, **labels: str) -> float:
        """The value of one series; 0 when there is none."""
        for line in self.get("/metrics").body.decode().splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name and all(
                f'{key}="{label}"' in series for key, label in labels.items()
            ):
                return float(value)
        return 0.0

    def events(self) -> list[dict[str, Any]]:
        """Everything logged so far; metrics are asked first, because a scrape settles what is noted.

        A thread of the server writes the log, so it is read once nothing is added to it.
        """
        if self.process.poll() is None:
            self.get("/metrics")
            size = -1
            while size != (size := self.log.stat().st_size):
                time.sleep(0.1)
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self, seconds: float = 60) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@contextmanager
def serving(
    package: Path, *flags: str, descriptors: int = 0, program: str = "server", **variables: str
) -> Iterator[Server]:
    """A server on a free port, beside a log file in the package's parent; it is killed at the end.

    With `descriptors` it may have no more of them.
    """
    log = package.parent / f"{package.name}-{time.monotonic_ns()}.log"
    command = [
        sys.executable,
        "-m",
        f"aimass_compiler.runtime.{program}",
        str(package),
        "--host",
        HOST,
        "--port",
        "0",
    ]
    if descriptors:
        command = ["prlimit", f"--nofile={descriptors}", *command]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, *flags], stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, **variables}
        )
    try:
        yield Server(process, _port(process, log), log)
    finally:
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        for line in log.read_text().splitlines(keepends=True):
            if '"event":"ready"' in line and line.endswith("\n"):
                return int(json.loads(line)["port"])
        time.sleep(0.02)
    raise AssertionError(f"the server did not become ready: {log.read_text()}")
