"""What workers of one server know of each other: who is ready, and what each has counted.

They share a folder: a block of numbers in memory, a socket of each by which the others ask for its metrics,
and what those counted that are gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import mmap
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson

from aimass_compiler.runtime.server.summed_metrics import counted, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: By this variable a worker knows that it is one.
VARIABLE = "AIMASS_WORKER"
_NUMBER = struct.Struct("<q")
_ASK_SECONDS = 1.0
_STARTED, _RESTARTS, _FIRST = 0, 1, 2
_GONE = "gone.prom"
#: Source: prctl(2)
_PR_SET_PDEATHSIG = 1


class WorkerBoard:
    """Numbers that workers and their supervisor share: of each whether it is ready and what it cut off."""

    def __init__(self, folder: Path, workers: int, *, is_new: bool = False) -> None:
        path, size = folder / "board", _NUMBER.size * (_FIRST + 2 * workers)
        if is_new:
            path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._numbers = mmap.mmap(file.fileno(), size)
        self.workers = workers

    def _get(self, place: int) -> int:
        return int(_NUMBER.unpack_from(self._numbers, place * _NUMBER.size)[0])

    def _set(self, place: int, number: int) -> None:
        _NUMBER.pack_into(self._numbers, place * _NUMBER.size, number)

    @property
    def have_started(self) -> bool:
        """Whether all were ready at one time: a worker that is replaced makes the others no less ready."""
        return bool(self._get(_STARTED))

    @property
    def ready(self) -> int:
        """How many are ready now."""
        return sum(self._get(_FIRST + worker) for worker in range(self.workers))

    @property
    def restarts(self) -> int:
        """How many were replaced."""
        return self._get(_RESTARTS)

    @property
    def unfinished(self) -> int:
        """The requests that all cut off at the end."""
        return sum(self._get(_FIRST + self.workers + worker) for worker in range(self.workers))

    def note_started(self) -> None:
        self._set(_STARTED, 1)

    def note_restart(self) -> None:
        self._set(_RESTARTS, self.restarts + 1)

    def note_ready(self, worker: int, *, is_ready: bool) -> None:
        self._set(_FIRST + worker, int(is_ready))

    def note_unfinished(self, worker: int, requests: int) -> None:
        self._set(_FIRST + self.workers + worker, requests)


class WorkerCounts(NamedTuple):
    """What one worker counted: a page of metrics, and the rows of its drift window by bin."""

    page: bytes
    rows: int
    counts: list[int]


class WorkerPeers:
    """The other workers, as one of them sees them."""

    def __init__(self, told: str) -> None:
        """Read what the supervisor wrote into the variable."""
        worker, workers, descriptor, folder = told.split(":", 3)
        self.worker, self.workers, self.folder = int(worker), int(workers), Path(folder)
        self._descriptor = int(descriptor)
        self._board = WorkerBoard(self.folder, self.workers)
        self._log = -1
        self._server: asyncio.Server | None = None

    @property
    def have_started(self) -> bool:
        """Whether the server as a whole became ready."""
        return self._board.have_started

    def end_with_supervisor(self) -> None:
        """Stop when the supervisor is gone, whatever ended it."""
        if sys.platform == "linux":
            with contextlib.suppress(OSError, AttributeError):  # another C library has no such function
                ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    def listener(self) -> socket.socket:
        """The socket that all listen on."""
        return socket.socket(fileno=os.dup(self._descriptor))

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """While this lasts, no other worker writes the log: long lines on a pipe would mix."""
        import fcntl

        if self._log < 0:
            self._log = os.open(self.folder / "log", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._log, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._log, fcntl.LOCK_UN)

    def note_ready(self) -> None:
        """Tell the supervisor that this one serves."""
        self._board.note_ready(self.worker, is_ready=True)

    def note_unfinished(self, requests: int) -> None:
        """Tell the supervisor what this one cut off."""
        self._board.note_unfinished(self.worker, requests)

    async def answer(self, own: Callable[[], WorkerCounts]) -> None:
        """Let the others ask what this one counted, from now on."""

        async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found = self._kept(own())
            writer.write(orjson.dumps((found.rows, found.counts)) + b"\n" + found.page)
            writer.close()

        path = self._socket(self.worker)
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(tell, path)

    def _kept(self, found: WorkerCounts) -> WorkerCounts:
        """Keep a page on disk, too, so that no counter falls when this worker crashes."""
        path = self.folder / f"{self.worker}.prom"
        path.with_suffix(".new").write_bytes(found.page)
        path.with_suffix(".new").replace(path)
        return found

    async def others(self) -> list[WorkerCounts]:
        """What all other workers counted; of one that does not answer in time, what it last said."""
        asked = [self._ask(worker) for worker in range(self.workers) if worker != self.worker]
        return [found for found in await asyncio.gather(*asked) if found is not None]

    async def _ask(self, worker: int) -> WorkerCounts | None:
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            async with asyncio.timeout(_ASK_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._socket(worker))
                try:
                    told = await reader.read(-1)
                finally:
                    writer.close()
            head, _, page = told.partition(b"\n")
            rows, counts = orjson.loads(head)
            return WorkerCounts(page, rows, counts)
        with contextlib.suppress(OSError):  # it has said nothing yet, or is buried
            return WorkerCounts(counted([(self.folder / f"{worker}.prom").read_bytes()]), 0, [])
        return None

    def total(self, own: bytes, others: list[WorkerCounts]) -> bytes:
        """The metrics of all workers as one page."""
        self._kept(WorkerCounts(own, 0, []))
        gone = self.folder / _GONE
        pages = [own, *(found.page for found in others)]
        counts = [gone.read_bytes()] if gone.exists() else []
        return summed(pages, counts) + self._about()

    def _about(self) -> bytes:
        facts: Mapping[str, tuple[str, str, int]] = {
            "aimass_workers_ready": ("gauge", "Workers that answer.", self._board.ready),
            "aimass_worker_restarts_total": ("counter", "Workers that were replaced.", self._board.restarts),
        }
        lines = (
            f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name} {value}.0\n"
            for name, (kind, text, value) in facts.items()
        )
        return "".join(lines).encode()

    def _socket(self, worker: int) -> Path:
        return self.folder / f"{worker}.sock"


def keep_last_counts(folder: Path, worker: int) -> None:
    """Keep what a worker counted that is gone."""
    last, gone = folder / f"{worker}.prom", folder / _GONE
    if last.exists():
        before = [gone.read_bytes()] if gone.exists() else []
        gone.with_suffix(".new").write_bytes(counted([last.read_bytes(), *before]))
        gone.with_suffix(".new").replace(gone)
        last.unlink()


def peers_here() -> WorkerPeers | None:
    """The other workers, where this process is one of several."""
    told = os.environ.get(VARIABLE)
    return WorkerPeers(told) if told else None
