"""A real Prometheus on a configuration of the test's, asked over its API."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.projects import wait_until

from scripts.cluster.processes import free_ports

PROGRAM = shutil.which("prometheus")
_START_SECONDS = 60


@dataclass(frozen=True)
class Prometheus:
    """One that is ready."""

    process: subprocess.Popen[bytes]
    address: str
    configuration: Path

    def follow(self, rules: Path) -> None:
        """Evaluate the rules of a file from now on."""
        changed = json.loads(self.configuration.read_text()) | {"rule_files": [str(rules)]}
        self.configuration.write_text(json.dumps(changed), encoding="utf-8")
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: bool(self._get("rules")["groups"]))

    def query(self, query: str) -> list[dict[str, Any]]:
        """What an expression is now."""
        return list(self._get("query", query=query)["result"])

    def over(self, query: str, seconds: float, step: float) -> list[dict[str, Any]]:
        """What an expression was during the last seconds."""
        now = time.time()
        found = self._get("query_range", query=query, start=now - seconds, end=now, step=step)
        return list(found["result"])

    def label_values(self, series: str, label: str) -> list[str]:
        """The values of a label among series, as Grafana asks for them."""
        values = self._get(f"label/{label}/values", **{"match[]": series})
        return [str(value) for value in values]

    def targets(self) -> list[dict[str, Any]]:
        return list(self._get("targets", state="active")["activeTargets"])

    def fired(self) -> set[tuple[str, str, str]]:
        """Name, severity and objective of every alert that was ever raised."""
        found = self.query('count_over_time(ALERTS{alertstate="firing"}[1h])')
        return {
            (each["metric"]["alertname"], each["metric"]["severity"], each["metric"].get("objective", ""))
            for each in found
        }

    def alerts(self) -> list[dict[str, Any]]:
        """What is pending or raised now, with what it says to people."""
        return list(self._get("alerts")["alerts"])

    def _get(self, path: str, **arguments: Any) -> Any:
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # our own, on this machine
            document = json.load(answer)
        assert document["status"] == "success", document
        assert not document.get("warnings"), document["warnings"]
        return document["data"]


@contextmanager
def running(folder: Path, configuration: dict[str, Any], lookback: str) -> Iterator[Prometheus]:
    """Prometheus with its data in a folder; it is gone when the block ends."""
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(configuration), encoding="utf-8")  # JSON is YAML
    log, (port,) = folder / "prometheus.log", free_ports(1)
    command = [
        str(PROGRAM),
        f"--config.file={path}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--query.lookback-delta={lookback}",
    ]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, cwd=folder)
    try:
        _wait_until_ready(process, port, log)
        yield Prometheus(process, f"http://127.0.0.1:{port}", path)
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"prometheus did not become ready: {log.read_text()[-2000:]}")
