"""The files below a URL: `s3://bucket/prefix`, `gs://…`, or a folder as `file:///…`.

Credentials are those that the store's own programs find: variables of the environment, a profile, the
identity of a workload. S3-compatible servers are named by `AWS_ENDPOINT_URL`. Source of what file systems do:
https://arrow.apache.org/docs/python/filesystems.html
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from aimass_compiler.diagnostics import HintedError, first_line

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BLOCK_BYTES = 2**23


class StoreError(HintedError):
    """The store cannot be reached, or what lies there is not what should; `help` is the hint."""


class StoredFile(NamedTuple):
    """A file of a store."""

    name: str
    """Its path below the URL."""
    size: int
    """In bytes."""
    changed: datetime


class StoredFiles:
    """Files by their paths below a URL. Every method raises StoreError for what the store refuses."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        from pyarrow import fs

        with self._guarded():
            system, root = opened(self.url)
            self._files = fs.SubTreeFileSystem(root, system)
            #: Whether files grow where they lie; objects are there as a whole or not at all.
            self.is_folder = bool(system.type_name == "local")

    def listed(self, folder: str = "") -> list[StoredFile]:
        """The files below a folder, by name; none where it is not there."""
        from pyarrow import fs

        with self._guarded():
            chosen = fs.FileSelector(folder, recursive=True, allow_not_found=True)
            found = [each for each in self._files.get_file_info(chosen) if each.is_file]
        return sorted(StoredFile(each.path, each.size, each.mtime or _EPOCH) for each in found)

    def folders(self, folder: str) -> list[str]:
        """The names of the folders right below a folder, sorted."""
        from pyarrow import fs

        with self._guarded():
            found = self._files.get_file_info(fs.FileSelector(folder, allow_not_found=True))
        return sorted(each.base_name for each in found if not each.is_file)

    def size(self, name: str) -> int | None:
        """How many bytes a file has; None where it is not there."""
        with self._guarded():
            (there,) = self._files.get_file_info([name])
        return int(there.size) if there.is_file else None

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        """What is between two places of a file; to its end by default."""
        with self.opened(name) as stream:
            stream.seek(start)
            return stream.read() if end is None else stream.read(end - start)

    def found(self, name: str) -> bytes | None:
        """The content of a file, or nothing where it is not there."""
        return None if self.size(name) is None else self.read(name)

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """A file to read in parts, anywhere in it."""
        with self._guarded(), self._files.open_input_file(name) as stream:
            yield stream

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole."""
        with self._replaced(name) as stream:
            stream.write(content)

    def upload(self, source: Path, name: str) -> None:
        """Replace a file as a whole by one of this machine."""
        with source.open("rb") as read, self._replaced(name) as written:
            _copy(read, written)

    def download(self, name: str, target: Path) -> None:
        """Copy a file to this machine."""
        with self.opened(name) as read, target.open("wb") as written:
            _copy(read, written)

    def delete(self, name: str) -> None:
        """Delete a file, should it still be there."""
        if self.size(name) is not None:
            with self._guarded():
                self._files.delete_file(name)

    @contextmanager
    def _replaced(self, name: str) -> Iterator[IO[bytes]]:
        """A file to write, which is in its place once all of it is written."""
        written = f"{name}.{uuid.uuid4().hex}" if self.is_folder else name
        with self._guarded():
            if self.is_folder:  # elsewhere there are none
                self._files.create_dir(name.rpartition("/")[0] or ".")
            with self._files.open_output_stream(written) as stream:
                yield stream
            if written != name:
                self._files.move(written, name)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            hint = "look at the URL, and at the credentials that this process has for it"
            raise StoreError(f"{self.url}: {first_line(error)}", hint) from None


def opened(url: str) -> tuple[FileSystem, str]:
    """The store's file system, and the path of the URL in it. Raises OSError or ValueError."""
    from pyarrow import fs

    scheme, _, path = url.partition("://")
    if scheme != "s3":
        files, root = fs.FileSystem.from_uri(url)
        return files, str(root)
    server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None and server is None:
        region = fs.resolve_s3_region(path.partition("/")[0])
    return fs.S3FileSystem(endpoint_override=server, region=region), path


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while part := source.read(_BLOCK_BYTES):
        target.write(part)
