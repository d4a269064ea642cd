"""What calls of programs cost: wall time, CPU time and memory, of all their processes together."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from benchmarks.compile.tools import bare_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SAMPLE_SECONDS = 0.01
_PROC = Path("/proc")
#: Ctrl-C, `kill`, and a terminal that is closed.
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Call:
    """One call of a program, its working folder, and the file that takes what it prints."""

    argv: tuple[str, ...]
    folder: Path
    output: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """Wall and CPU time in seconds, memory in MiB. Calls that were ended at the limit are not whole."""

    wall: float
    cpu: float
    memory: float
    is_whole: bool = True


class CallFailedError(Exception):
    """A program that is measured ended with an error."""


def cost(calls: Sequence[Call], at_once: int, limit: float, *, watch_memory: bool = False) -> Cost:
    """Run the calls, at most `at_once` at a time, and end them after `limit` seconds.

    Watching the memory takes some time itself, so a round that is timed does not.
    """
    running: dict[int, tuple[Call, subprocess.Popen[bytes]]] = {}
    waiting = list(reversed(calls))
    # A new process begins as a copy of this one, and Linux counts that for its peak.
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        tempfile.TemporaryFile() as errors,
        _memory_watch(watch_memory) as watch,
        _alarm(running, limit) as over,
    ):
        cpu = peak = 0.0
        began = time.perf_counter()
        while running or (waiting and not over.is_set()):
            while waiting and len(running) < at_once and not over.is_set():
                call = waiting.pop()
                process = _start(call, errors)
                running[process.pid] = call, process
                if over.is_set():  # meanwhile
                    _kill(process.pid)
            # This blocks in the system, so that no polling is added to what is timed.
            identity, status, usage = os.wait4(-1, 0)
            call, process = running.pop(identity)
            process.returncode = os.waitstatus_to_exitcode(status)
            cpu += usage.ru_utime + usage.ru_stime
            if usage.ru_maxrss > inherited:
                peak = max(peak, usage.ru_maxrss / 1024)
            if process.returncode and not over.is_set():
                _end(running)
                raise CallFailedError(_failure(call, process.returncode, errors))
        wall = time.perf_counter() - began
    return Cost(wall, cpu, max(peak, watch.peak), is_whole=not over.is_set())


def _start(call: Call, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    with contextlib.ExitStack() as files:
        output = files.enter_context(call.output.open("wb")) if call.output else subprocess.DEVNULL
        return subprocess.Popen(
            call.argv,
            cwd=call.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**bare_environment(), **call.environment},
            start_new_session=True,  # so that all its processes can be ended together
        )


def _failure(call: Call, status: int, errors: IO[bytes]) -> str:
    errors.seek(0)
    said = errors.read().decode(errors="replace").strip() or "nothing"
    return f"{Path(call.argv[0]).name} ended with {status} and said: {said[-1000:]}"


@contextlib.contextmanager
def _alarm(running: Mapping[int, object], seconds: float) -> Iterator[threading.Event]:
    """Ends what is running when time is over, and says that it was; also when this program is to end.

    In sessions of their own, the calls would outlive it.
    """
    over, asked = threading.Event(), list[int]()

    def end() -> None:
        over.set()
        for process in list(running):
            _kill(process)

    def obey(number: int, _: object) -> None:
        asked.append(number)
        end()

    before = {number: signal.signal(number, obey) for number in _ENDINGS}
    alarm = threading.Timer(seconds, end)
    alarm.start()
    try:
        yield over
    finally:
        alarm.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in asked[:1]:
            signal.raise_signal(number)


def _end(running: Mapping[int, tuple[Call, subprocess.Popen[bytes]]]) -> None:
    for process, (_, popen) in running.items():
        _kill(process)
        popen.wait()


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, 9)


@dataclass
class _Watch:
    """The most memory that the processes of this program's children were seen to hold, in MiB."""

    peak: float = 0.0


@contextlib.contextmanager
def _memory_watch(is_wanted: bool) -> Iterator[_Watch]:
    watch, done = _Watch(), threading.Event()

    def look() -> None:
        while not done.wait(_SAMPLE_SECONDS):
            watch.peak = max(watch.peak, sum(map(_share, _descendants())))

    looking = threading.Thread(target=look, daemon=True)
    if is_wanted and _PROC.is_dir():
        looking.start()
    try:
        yield watch
    finally:
        done.set()
        if looking.ident:
            looking.join()


def _descendants() -> Iterator[int]:
    """The processes that this one started, and theirs."""
    parents: dict[int, int] = {}
    for status in _PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    for process in parents:
        ancestor = parents.get(process, 0)
        while ancestor and ancestor != os.getpid():
            ancestor = parents.get(ancestor, 0)
        if ancestor:
            yield process


def _share(process: int) -> float:
    """The proportional share of memory that a process holds, in MiB: what several share is counted once."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(process) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
