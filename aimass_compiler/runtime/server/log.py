"""One JSON object a line on standard output, for whatever collects the logs."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aimass_compiler.runtime.server.worker_peers import WorkerPeers

_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
#: What waits for a reader at most: at 200 bytes a line, some seconds of a busy server.
_WAITING_BYTES = 4 << 20
#: How long the end waits for a reader that does not read.
_CLOSE_SECONDS = 1.0
_LOOK_SECONDS = 1.0
#: What whoever runs a server waits for, which the supervisor of workers says itself.
_OF_SERVERS = frozenset(("start", "ready", "drain", "stop"))


class EventLog:
    """Writes events on a thread of its own, so that no answer waits for who reads them.

    What a reader does not take in time, or a full disk does not take at all, is dropped and counted.
    """

    def __init__(self, stream: BinaryIO | None = None, peers: WorkerPeers | None = None) -> None:
        """Write to `stream`, which must be a file of the operating system; workers do by turns."""
        self._file = (stream or sys.stdout.buffer).fileno()
        self._is_waited_for = threading.Condition()
        self._waiting: list[tuple[bytes, int]] = []
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._is_broken_off = False
        self._peers = peers
        self.dropped = 0
        """Lines that nobody will read."""

    def event(self, name: str, fields: Mapping[str, Any], level: str = "info") -> None:
        """Write one event with its time in UTC."""
        if self._peers is not None:
            name = f"worker {name}" if name in _OF_SERVERS else name
            fields = {**fields, "worker": self._peers.worker}
        self.write([{"time": datetime.now(UTC), "level": level, "event": name, **fields}])

    def write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write whole lines, each with its own time, level and event."""
        written = [orjson.dumps(line, default=str, option=_OPTIONS) for line in lines]
        if not written:
            return
        text = b"".join(written)
        with self._is_waited_for:
            if self._waiting_bytes + len(text) > _WAITING_BYTES:
                self.dropped += len(written)
                return
            self._waiting.append((text, len(written)))
            self._waiting_bytes += len(text)
            if self._thread is None:
                # A daemon: a reader that does not read must not keep the process from ending.
                self._thread = threading.Thread(target=self._work, name="log", daemon=True)
                self._thread.start()
            self._is_waited_for.notify()

    def close(self) -> None:
        """Wait until everything is written, though not for ever."""
        with self._is_waited_for:
            self._is_closed = True
            self._is_waited_for.notify()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _work(self) -> None:
        while True:
            with self._is_waited_for:
                while not self._waiting and not self._is_closed:
                    self._is_waited_for.wait()
                if not self._waiting:
                    return
                taken, self._waiting = self._waiting, []
            for text, lines in taken:
                with contextlib.nullcontext() if self._peers is None else self._peers.turn():
                    self._put(text, lines)
                with self._is_waited_for:
                    self._waiting_bytes -= len(text)

    def _put(self, text: bytes, lines: int) -> None:
        left = memoryview(b"\n" + text if self._is_broken_off else text)
        is_begun = False
        while left:
            try:
                count = os.write(self._file, left)
            except BlockingIOError:  # whoever started us has set its end so
                select.select([], [self._file], [], _LOOK_SECONDS)
                continue
            except OSError:  # a full disk, or a reader that went away
                self._is_broken_off = self._is_broken_off or is_begun
                with self._is_waited_for:
                    self.dropped += lines
                return
            is_begun = True
            left = left[count:]
        self._is_broken_off = False


class LibraryLog(logging.Handler):
    """What libraries log through `logging`, as events in the same form."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a traceback becomes one field."""
        fields = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        self._log.event("library", fields, record.levelname.lower())
