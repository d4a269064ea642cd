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

from aimass_compiler.runtime.server.background_writer import BackgroundWriter

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
        self._writer = BackgroundWriter("log", _WAITING_BYTES, self._put)
        self._is_broken_off = False
        self._peers = peers
        self._counting = threading.Lock()
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
        if not self._writer.put((text, len(written)), len(text)):
            self._drop(len(written))

    def close(self) -> None:
        """Wait until everything is written, though not for ever."""
        self._writer.close(_CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _put(self, written: tuple[bytes, int]) -> None:
        with contextlib.nullcontext() if self._peers is None else self._peers.turn():
            self._put_in_turn(*written)

    def _put_in_turn(self, text: bytes, lines: int) -> None:
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
                self._drop(lines)
                return
            is_begun = True
            left = left[count:]
        self._is_broken_off = False

    def _drop(self, lines: int) -> None:
        with self._counting:
            self.dropped += lines


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
