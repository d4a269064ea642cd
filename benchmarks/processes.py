"""What a program costs with all processes that it starts: wall time, CPU time, and memory at its peak."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_SAMPLE_SECONDS = 0.1
#: prctl(2): orphans become children of this process, so that Linux tells what they took.
_SET_CHILD_SUBREAPER = 36
_SHOWN = 2000


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds, user and system together, and the most memory in MiB at one time."""

    wall: float
    cpu: float
    memory: float


class FailedError(Exception):
    """A program that is measured ended with an error, or not within its time."""


def cost(commands: Sequence[Sequence[str]], folder: Path, limit: float, variables: Mapping[str, str]) -> Cost:
    """Run commands one after the other; memory is that of the one that takes most."""
    costs = [_cost(command, folder, limit, variables) for command in commands]
    wall, cpu = (sum(getattr(one, name) for one in costs) for name in ("wall", "cpu"))
    return Cost(wall, cpu, max(one.memory for one in costs))


def medians(costs: Sequence[Cost]) -> Cost:
    """The median of each number."""
    return Cost(
        *(statistics.median(getattr(one, name) for one in costs) for name in ("wall", "cpu", "memory"))
    )


def _cost(command: Sequence[str], folder: Path, limit: float, variables: Mapping[str, str]) -> Cost:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # What this shell tells Python would hide what is installed.
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with tempfile.TemporaryFile() as said, _watched() as watch:
        began, before = time.perf_counter(), os.times()
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**bare, **variables},
            start_new_session=True,
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            wall = time.perf_counter() - began
            _end(process.pid)
        after = os.times()
        if status != 0:
            said.seek(0)
            text = said.read().decode(errors="replace").strip()[-_SHOWN:]
            why = f"took more than {limit:.0f} s" if status is None else f"ended with {status}"
            raise FailedError(f"{Path(command[0]).name} {why} and said: {text or 'nothing'}")
    spent = sum(getattr(after, name) - getattr(before, name) for name in ("children_user", "children_system"))
    return Cost(wall, spent, watch[0])


def _end(process: int) -> None:
    """End what the program left running, such as Ray's servers, and wait for all of it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            for orphan in _descendants():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGKILL)
            os.waitpid(-1, 0)


@contextlib.contextmanager
def _watched() -> Iterator[list[float]]:
    peak, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(_SAMPLE_SECONDS):
            peak[0] = max(peak[0], sum(map(_share, _descendants())))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield peak
    finally:
        done.set()
        looking.join()


def _descendants() -> list[int]:
    """The processes that this one started, and theirs."""
    parents: dict[int, int] = {}
    for status in _PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found, latest = [], [os.getpid()]
    while latest:
        latest = [process for process, parent in parents.items() if parent in latest]
        found += latest
    return found


def _share(process: int) -> float:
    """The proportional share of memory in MiB: what several processes share is counted once."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(process) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
