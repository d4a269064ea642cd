"""What was rendered, until it is written: in memory up to a size, beyond that in a file without a name."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping
from typing import IO

Files = Mapping[str, bytes]

_MOST_BYTES = 64 << 20


class RenderedFiles:
    """The files of one model after another."""

    def __init__(self) -> None:
        self._held: list[Files] = []
        self._size = 0
        self._spooled: IO[bytes] | None = None
        self._lengths: list[int] = []

    def add(self, files: Files) -> None:
        """Take the files of one more model."""
        self._held.append(files)
        self._size += sum(map(len, files.values()))
        if self._size > _MOST_BYTES:
            self._spool()

    def __iter__(self) -> Iterator[Files]:
        if self._spooled is not None:
            self._spooled.seek(0)
            for length in self._lengths:
                yield marshal.loads(self._spooled.read(length))  # noqa: S302  # nobody else can open what we wrote it to
        yield from self._held

    def _spool(self) -> None:
        if self._spooled is None:
            import tempfile

            self._spooled = tempfile.TemporaryFile()  # noqa: SIM115  # it ends with this
        self._spooled.seek(0, 2)
        self._lengths += [self._spooled.write(marshal.dumps(dict(files))) for files in self._held]
        self._held, self._size = [], 0
