"""One JSON object a line on standard output, for whatever collects the logs."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY


class Log:
    """Writes events; what was written is flushed, so that a killed process leaves no half of a line."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream or sys.stdout.buffer

    def event(self, name: str, fields: Mapping[str, Any], level: str = "info") -> None:
        """Write one event with its time in UTC."""
        self.write([{"time": datetime.now(UTC), "level": level, "event": name, **fields}])

    def write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write whole lines, each with its own time, level and event."""
        self._stream.write(b"".join(orjson.dumps(line, default=str, option=_OPTIONS) for line in lines))
        self._stream.flush()


class LibraryLog(logging.Handler):
    """What libraries log through `logging`, as events in the same form."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a traceback becomes one field."""
        fields = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        self._log.event("library", fields, record.levelname.lower())
