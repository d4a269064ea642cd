"""A folder of JSON lines that a collector reads: files that only grow, until the next one begins.

No file is renamed, so that whoever reads one never meets it twice; the oldest are deleted before the folder
holds more than it may.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aimass_compiler.runtime.server.log import EventLog

_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z
_FILE_BYTES = 8 << 20
_SAY_AGAIN_SECONDS = 60.0


class RecordFolder:
    """Appends records to the newest file of a folder; several threads and processes may share one."""

    def __init__(self, folder: Path, most_bytes: int, log: EventLog) -> None:
        self._folder, self._most_bytes, self._log = folder, most_bytes, log
        self._file_bytes = min(_FILE_BYTES, max(1, most_bytes // 4))
        self._lock = threading.Lock()
        self._file = -1
        self._written = 0
        self._told = 0.0
        self.dropped = 0
        """Records that could not be written."""

    def write(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Append records, each as a whole line; where the disk takes none, they are dropped and counted."""
        lines = [orjson.dumps(record, default=str, option=_OPTIONS) for record in records]
        with self._lock:
            try:
                self._append(b"".join(lines))
            except OSError as error:
                self._give_up(len(lines), error)

    def close(self) -> None:
        """End the newest file."""
        with self._lock:
            self._end()

    def _append(self, text: bytes) -> None:
        is_full = self._written + len(text) > self._file_bytes
        if self._file < 0 or is_full or not os.fstat(self._file).st_nlink:  # or was deleted
            self._begin()
        left = memoryview(text)
        while left:
            count = os.write(self._file, left)
            self._written += count
            left = left[count:]

    def _begin(self) -> None:
        self._end()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._make_room()
        path = self._folder / f"{time.time_ns()}-{os.getpid()}.jsonl"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._written = 0

    def _make_room(self) -> None:
        """Delete the oldest files, should one more not fit in; names sort by time."""
        files = {file: file.stat().st_size for file in sorted(self._folder.glob("*.jsonl"))}
        left = sum(files.values())
        for file, size in files.items():
            if left + self._file_bytes <= self._most_bytes:
                return
            file.unlink(missing_ok=True)
            left -= size

    def _end(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _give_up(self, count: int, error: OSError) -> None:
        self.dropped += count
        with contextlib.suppress(OSError):
            self._end()  # whatever was begun may be half a line: the next record begins a file
        now = time.monotonic()
        if not self._told or now - self._told > _SAY_AGAIN_SECONDS:
            self._told = now
            reason = error.strerror or str(error)
            fields = {"folder": str(self._folder), "reason": reason, "dropped": self.dropped}
            self._log.event("records dropped", fields, "error")
