"""The files of a store of records: listed, read in part, replaced as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from aimass_compiler.diagnostics import HintedError
from aimass_compiler.programs import object_store

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RecordsFailure(HintedError):  # noqa: N818  # it reads as what is the case
    """The store cannot be reached, or what lies there is not what records are; `help` is the hint."""


class StoredFile(NamedTuple):
    """A file of a store."""

    name: str
    """Its path below the store."""
    size: int
    changed: datetime


class StoreFiles:
    """The files below a URL: `s3://bucket/prefix`, `gs://…`, or a folder as `file:///…`.

    Credentials and servers are found as `programs/object_store` finds them.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._files, root = self._guarded(lambda: object_store.opened(self.url))
        self._root = root.rstrip("/")

    @property
    def is_folder(self) -> bool:
        """Whether files grow where they lie; objects are there as a whole or not at all."""
        return bool(self._files.type_name == "local")

    def listed(self, folder: str) -> list[StoredFile]:
        """The files below a folder, by name; none where it is not there."""
        from pyarrow import fs

        place = f"{self._root}/{folder}"
        chosen = fs.FileSelector(place, recursive=True, allow_not_found=True)
        found = self._guarded(lambda: self._files.get_file_info(chosen))
        return sorted(self._stored(each) for each in found if each.is_file)

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        """What is between two places of a file; to its end by default."""

        def read() -> bytes:
            with self._files.open_input_file(self._place(name)) as stream:
                stream.seek(start)
                content: bytes = stream.read() if end is None else stream.read(end - start)
                return content

        return self._guarded(read)

    def found(self, name: str) -> bytes | None:
        """The content of a file, or nothing where it is not there."""
        (there,) = self._guarded(lambda: self._files.get_file_info([self._place(name)]))
        return self.read(name) if there.is_file else None

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole."""
        place = self._place(name)
        written = f"{place}.{uuid.uuid4().hex}" if self.is_folder else place

        def write() -> None:
            if self.is_folder:
                self._files.create_dir(place.rpartition("/")[0])
            with self._files.open_output_stream(written) as stream:
                stream.write(content)
            if written != place:
                self._files.move(written, place)

        self._guarded(write)

    def delete(self, name: str) -> None:
        """Delete a file, should it still be there."""

        def delete() -> None:
            (there,) = self._files.get_file_info([self._place(name)])
            if there.is_file:
                self._files.delete_file(self._place(name))

        self._guarded(delete)

    def folders(self, folder: str) -> Iterator[str]:
        """The names of the folders right below a folder, sorted."""
        from pyarrow import fs

        place = f"{self._root}/{folder}"
        chosen = fs.FileSelector(place, recursive=False, allow_not_found=True)
        found = self._guarded(lambda: self._files.get_file_info(chosen))
        yield from sorted(each.base_name for each in found if not each.is_file)

    def _stored(self, info: Any) -> StoredFile:
        name = str(info.path)[len(self._root) + 1 :]
        return StoredFile(name, int(info.size), info.mtime or _EPOCH)

    def _place(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _guarded(self, act: Callable[[], T]) -> T:
        """What `act` answers. Raises RecordsFailure for what the store refuses."""
        try:
            return act()
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines()
            message = f"{self.url}: {reason[0] if reason else type(error).__name__}"
            raise RecordsFailure(message, "look at the URL, and at the credentials for it") from None
