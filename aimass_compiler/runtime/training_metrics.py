"""What Prometheus reads of a run while it trains: progress, metrics, when it goes on, and what it uses.

Off unless a variable says at which port. Each stage is a process of its own, so the port answers anew with
each. Who was asked before stays, once the run has ended, until it was asked how.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from aimass_compiler import training_names
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import name_of
from aimass_compiler.runtime.progress import LAST_STAGE, Progress, finite

if TYPE_CHECKING:
    from prometheus_client.metrics_core import GaugeMetricFamily

#: Two scrapes, and a little.
_STAY_SECONDS = 65.0
#: Nothing is a stall before the first, where nothing was counted yet, and before the second at any time.
_FIRST_PATIENCE, _LEAST_PATIENCE, _TIMES_LONGEST = 6 * 3600.0, 1800.0, 3
_GROUP = Path("/sys/fs/cgroup")
_LABELS = ("model", "stage")


def listener(model: str, stage: str) -> TrainingMetrics | None:
    """What answers Prometheus about a stage; none where no port is given, or the port is taken."""
    port = os.environ.get(training_names.VARIABLE_PORT, "")
    if not port:
        return None
    try:
        return TrainingMetrics(name_of(model), stage, int(port))
    except (ImportError, OSError, OverflowError, ValueError) as problem:
        print(f"Prometheus cannot follow the run: {problem}", file=sys.stderr, flush=True)
        return None


class TrainingMetrics:
    """The latest progress of one stage, as Prometheus asks for it."""

    def __init__(self, model: str, stage: str, port: int) -> None:
        from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

        self._whose = (model, stage)
        self._began = self._progressed = time.time()
        self._longest: float | None = None
        self._latest = Progress(stage, 0.0, 0.0)
        self._outcome: tuple[str, float] | None = None
        self._was_asked = Event()
        self._seen = Path(tempfile.gettempdir()) / f"aimass-training-metrics-{port}"
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(self)
        every = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104  # Prometheus is another pod
        start_http_server(port, every, registry)

    def report(self, progress: Progress) -> None:
        """That the run is so far."""
        now = time.time()
        if progress.done:
            self._longest = max(self._longest or 0.0, now - self._progressed)
        self._latest, self._progressed = progress, now

    def finish(self) -> None:
        """Nothing: what is last stays until the process ends."""

    def end(self, code: int) -> None:
        """Tell how the run ended, if it did, and stay until Prometheus has asked, if it ever has."""
        if code == ExitCode.DONE and self._latest.stage != LAST_STAGE:
            return  # the next stage goes on
        outcome = next(each.name.lower() for each in ExitCode if each == code)
        self._was_asked.clear()
        self._outcome = (outcome, time.time())
        if self._seen.exists():
            self._was_asked.wait(_STAY_SECONDS)
            time.sleep(0.1)  # the answer is on its way

    def describe(self) -> list[Any]:
        """Nothing, so that whoever registers this does not count as asking."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every series at this moment."""
        yield from self._progress(self._latest)
        yield from self._use()
        if self._outcome is not None:
            outcome, at = self._outcome
            yield self._gauge(training_names.ENDED, "When the run ended", at, outcome=outcome)
            self._was_asked.set()
        self._seen.touch()

    def _progress(self, now: Progress) -> Iterator[GaugeMetricFamily]:
        yield self._gauge(training_names.SHARE, "How much of the whole run is done", now.percent / 100)
        yield self._gauge(training_names.BEGAN, "When the stage began", self._began)
        yield self._gauge(training_names.PROGRESSED, "When it last went on", self._progressed)
        yield self._gauge(training_names.PATIENCE, "After how long without that it stalls", self._patience)
        if now.remaining is not None:
            passed = time.time() - self._progressed
            left = max(0.0, now.remaining - passed)
            yield self._gauge(training_names.REMAINING, "About how long the stage goes on", left)
        if now.total:
            yield self._gauge(training_names.DONE, "Trials or steps that are done", now.done, unit=now.unit)
            yield self._gauge(training_names.TOTAL, "All trials or steps", now.total, unit=now.unit)
        for name, value in finite(now.metrics):
            text = "The best value so far of trials, or the latest of steps"
            yield self._gauge(training_names.METRIC, text, value, metric=name)

    @property
    def _patience(self) -> float:
        longest = self._longest
        return _FIRST_PATIENCE if longest is None else max(_LEAST_PATIENCE, _TIMES_LONGEST * longest)

    def _use(self) -> Iterator[GaugeMetricFamily]:
        if memory := memory_of_group(_GROUP):
            used, limit = memory
            yield self._gauge(training_names.MEMORY, "Memory that the pod needs", used)
            yield self._gauge(training_names.MEMORY_LIMIT, "Memory that it may use", limit)
        for number, (share, used, limit) in enumerate(_gpus()):
            gpu = str(number)
            yield self._gauge(training_names.GPU_USE, "Share of the time that it computes", share, gpu=gpu)
            yield self._gauge(training_names.GPU_MEMORY, "Memory of the GPU in use", used, gpu=gpu)
            yield self._gauge(training_names.GPU_MEMORY_LIMIT, "Memory of the GPU", limit, gpu=gpu)

    def _gauge(self, name: str, text: str, value: float, **labels: str) -> GaugeMetricFamily:
        from prometheus_client.metrics_core import GaugeMetricFamily

        found = GaugeMetricFamily(name, text, labels=(*_LABELS, *labels))
        found.add_metric((*self._whose, *labels.values()), value)
        return found


def memory_of_group(folder: Path) -> tuple[int, int] | None:
    """What a container needs and may use, in bytes; None where it has no limit, or is none.

    Files that the kernel would give up first do not count, as for the kubelet.
    Source: https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    try:
        limit = int((folder / "memory.max").read_text())
        used = int((folder / "memory.current").read_text())
        lines = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        files = int(dict(line for line in lines if len(line) == 2).get("inactive_file", 0))  # noqa: PLR2004  # name, value
    except (OSError, ValueError):
        return None
    return max(0, used - files), limit


def _gpus() -> Iterator[tuple[float, int, int]]:
    """Of each NVIDIA GPU here its use, its memory in use and all of it; none without NVIDIA's library."""
    if find_spec("pynvml") is None:
        return
    import pynvml

    try:
        pynvml.nvmlInit()
        for number in range(pynvml.nvmlDeviceGetCount()):
            gpu = pynvml.nvmlDeviceGetHandleByIndex(number)
            memory = pynvml.nvmlDeviceGetMemoryInfo(gpu)
            yield pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100, memory.used, memory.total
    except pynvml.NVMLError:
        return
