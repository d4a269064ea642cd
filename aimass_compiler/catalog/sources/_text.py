"""A text file as its lines: unpacked and decoded, with their ends as they are."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aimass_compiler.catalog.source import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How files that are packed begin, whatever they are called.
_PACKED = {
    b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip",
}  # fmt: skip
#: How files in other encodings than UTF-8 begin.
MARKS_OF_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8"}
_LONGEST_MARK = 6
#: So many bytes tell one encoding from another.
_ODD = 1 << 16


@contextlib.contextmanager
def opened(location: str, encoding: str) -> Iterator[Iterator[str]]:
    """The lines of a file, or of a URL; raises UnreadableError, here and while they are read.

    A lone carriage return ends a line as well. A byte order mark is no part of the first one.
    """
    if "://" in location:
        yield _remote(location, encoding)
        return
    with unpacked(location) as stream:
        codec = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
        with io.TextIOWrapper(stream, encoding=codec, newline="") as text:
            yield _without_mark(text)


def _without_mark(lines: Iterator[str]) -> Iterator[str]:
    first = next(lines, None)
    if first is None:
        return
    yield first.removeprefix("\ufeff")
    yield from lines


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
    """The bytes that a file holds."""
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


def _remote(address: str, encoding: str) -> Iterator[str]:
    """Lines of UTF-8 of a URL, which polars fetches (and unpacks)."""
    import polars

    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        raise UnreadableError(
            f"a remote file is read as UTF-8, not as {encoding}", "copy it into the project"
        )
    lines = polars.scan_lines(address).collect().to_series()
    return (f"{line}\n" for line in lines)
