"""A text file as its lines: unpacked and decoded, with their ends as they are."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import zipfile
import zlib
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aimass_compiler.catalog.source import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: How files that are packed begin, whatever they are called.
_PACKED = {
    b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip",
}  # fmt: skip
#: How files in other encodings than UTF-8 begin.
MARKS_OF_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8"}
_LONGEST_MARK = 6
_UTF_8 = ("utf-8", "utf8")
#: So many lines are read one by one, such as a header; then all others are, or blocks of them.
_LINES_ABOVE = 1000
#: So many bytes tell one encoding from another.
_ODD = 1 << 16


class Lines:
    """The lines of a file, each once: one by one, or the bytes of many at once."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        is_utf_8 = encoding.lower().replace("_", "-") in _UTF_8
        self._text = None if is_utf_8 else io.TextIOWrapper(stream, encoding, newline="")
        self._is_begun = False

    def __iter__(self) -> Iterator[str]:
        for _ in range(_LINES_ABOVE):
            if not self._waiting:
                self._waiting.extend(self._next())
            if not self._waiting:
                return
            yield self._waiting.popleft()
        while self._waiting:
            yield self._waiting.popleft()
        if self._text is None:
            self._text = io.TextIOWrapper(self._stream, "utf-8", newline="")
        yield from self._text

    def _next(self) -> Iterable[str]:
        if self._text is None:
            return io.StringIO(self._unmarked(self._stream.readline()).decode(), newline="")
        return filter(None, [self._unmarked(self._text.readline().encode()).decode()])

    def _unmarked(self, start: bytes) -> bytes:
        is_begun, self._is_begun = self._is_begun, True
        return start if is_begun else start.removeprefix(codecs.BOM_UTF8)

    def block(self, size: int) -> bytes:
        """The next whole lines, of about so many bytes, in UTF-8; nothing at the end. Raises UnicodeError."""
        if self._waiting:
            waiting = "".join(self._waiting).encode()
            self._waiting.clear()
            return waiting
        if self._text is not None:
            return self._unmarked((self._text.read(size) + self._text.readline()).encode())
        found = self._unmarked(self._stream.read(size) + self._stream.readline())
        if not found.isascii():
            found.decode()
        return found

    def take_back(self, block: bytes) -> None:
        """Lines that will come again."""
        self._waiting.extend(io.StringIO(block.decode(), newline=""))


@contextlib.contextmanager
def opened(location: str, encoding: str) -> Iterator[Lines]:
    """The lines of a file, or of a URL; raises UnreadableError, here and while they are read.

    A lone carriage return ends a line as well. A byte order mark is no part of the first one.
    """
    if "://" in location:
        yield Lines(io.BytesIO(_remote(location, encoding)), "utf-8")
        return
    with unpacked(location) as stream:
        yield Lines(stream, encoding)


def beginning(location: str, size: int) -> bytes:
    """The first bytes of what a file holds, unpacked."""
    with unpacked(location) as stream:
        return stream.read(size)


def bytes_beyond_utf_8(location: str) -> bytes | None:
    """Some bytes of the lines that are not UTF-8; None where all are."""
    odd = b""
    with unpacked(location) as stream:
        for line in stream:
            if not line.isascii():
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    odd += line
            if len(odd) > _ODD:
                break
    return odd or None


def undecodable(location: str, encoding: str) -> tuple[int, int]:
    """The first line that is not in the encoding, and its first byte that is not."""
    with unpacked(location) as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                return number, line[error.start]
    return 1, 0


@contextlib.contextmanager
def unpacked(location: str) -> Iterator[IO[bytes]]:
    """The bytes that a file holds, packed or not. Raises UnreadableError where they are damaged."""
    with Path(location).open("rb") as stream:
        start = stream.read(_LONGEST_MARK)
        stream.seek(0)
        kind = next((kind for mark, kind in _PACKED.items() if start.startswith(mark)), "")
        try:
            with _reading(kind, stream) as unpacked:
                yield unpacked
        except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
            message = f"the compressed file is truncated or corrupt ({str(error).rstrip('.')})"
            raise UnreadableError(message, "copy it again") from None


def _reading(kind: str, stream: IO[bytes]) -> contextlib.AbstractContextManager[IO[bytes]]:
    if kind == "zip":
        return _only_member(stream)
    if kind == "zstd":
        import pyarrow

        return contextlib.nullcontext(io.BufferedReader(pyarrow.CompressedInputStream(stream, "zstd")))
    openers: dict[str, Any] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    return openers[kind](stream, "rb") if kind else contextlib.nullcontext(stream)


def _only_member(stream: IO[bytes]) -> contextlib.AbstractContextManager[IO[bytes]]:
    archive = zipfile.ZipFile(stream)
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        names = ", ".join(f"`{member.filename}`" for member in members[:3])
        raise UnreadableError(
            f"the archive holds {len(members)} files ({names})", "extract it, and name one of them in `path`"
        )
    return archive.open(members[0])


def _remote(address: str, encoding: str) -> bytes:
    """What a URL serves, as UTF-8, which polars fetches (and unpacks)."""
    import polars

    if encoding.lower().replace("_", "-") not in _UTF_8:
        raise UnreadableError(
            f"a remote file is read as UTF-8, not as {encoding}", "copy it into the project"
        )
    lines = polars.scan_lines(address).collect().to_series()
    return "".join(f"{line}\n" for line in lines).encode()
