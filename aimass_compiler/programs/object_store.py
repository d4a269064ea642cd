"""An object store, through which files reach a training job and come back, by what they hold.

Files lie where a DVC remote at the same URL has them (`files/md5/ab/cdef…`), so that `dvc push` finds what a
training job left there already. A list, `MODEL/given.json`, `MODEL/results.json` or, of a step of a pipeline,
`MODEL/steps/STAGE-DIGEST.json`, says which paths they have in the project.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

T = TypeVar("T")
_STEPS = "steps"
_PROGRESS = "progress.txt"
_AT_ONCE = 2**23
#: Of MD5, which DVC names files by: a name, not a proof.
_DIGITS = 32
_STEP_DIGITS = 16


class StoreFailure(Exception):  # noqa: N818  # it reads as what is the case
    """The object store cannot be reached, or a file is missing there; `help` is the hint."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.help = "look at the URL, and at the credentials that this process has for it"


class Store:
    """An object store below a URL: `s3://bucket/prefix`, `gs://…`, or a folder as `file:///…`.

    Credentials are those that the store's own programs find: variables of the environment, a profile, the
    identity of a workload. S3-compatible servers are named by `AWS_ENDPOINT_URL`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._files, self._root = _guarded(url, lambda: opened(url))

    def send(self, model: str, name: str, root: Path, paths: Sequence[str]) -> int:
        """Store files and all files of folders, those that are new; how many bytes that took."""
        sent, listed = self._stored(root, paths)
        self._write(f"{model}/{name}.json", listed)
        return sent

    def keep(self, model: str, stage: str, root: Path, paths: Sequence[str]) -> str:
        """The same of what a step of a pipeline left; the name of the list says what the files hold."""
        _, listed = self._stored(root, paths)
        name = f"{_STEPS}/{stage}-{hashlib.sha256(listed).hexdigest()[:_STEP_DIGITS]}"
        self._write(f"{model}/{name}.json", listed)
        return name

    def _stored(self, root: Path, paths: Sequence[str]) -> tuple[int, bytes]:
        """How many bytes were new, and the list of all files."""
        sent, listed = 0, dict[str, dict[str, object]]()
        for path in sorted(files_of(root, paths)):
            digest, size = _digest(root / path), (root / path).stat().st_size
            listed[path] = {"md5": digest, "size": size}
            sent += self._sent(root / path, digest, size)
        return sent, json.dumps(listed, indent=1).encode()

    def receive(
        self, model: str, name: str, root: Path, is_wanted: Callable[[str], bool] | None = None
    ) -> list[str]:
        """Bring files of a list to their paths below a folder, those that are not there; their paths."""
        whole = json.loads(self._read(f"{model}/{name}.json"))
        listed = {path: each for path, each in whole.items() if not is_wanted or is_wanted(path)}
        for path, each in listed.items():
            target = root / _inside(path)
            if not (target.is_file() and _digest(target) == each["md5"]):
                self._receive(each["md5"], target)
        return sorted(listed)

    def note(self, model: str, progress: str) -> None:
        """Say how far the model's job is."""
        self._write(f"{model}/{_PROGRESS}", progress.encode())

    def noted(self, model: str) -> str:
        """What the model's job said last; nothing where it said nothing, or cannot be asked."""
        try:
            return self._read(f"{model}/{_PROGRESS}").decode()
        except StoreFailure:
            return ""

    def _sent(self, file: Path, digest: str, size: int) -> int:
        place = self._place(_object(digest))
        (there,) = _guarded(self.url, lambda: self._files.get_file_info([place]))
        if there.is_file and there.size == size:
            return 0

        def copy() -> None:
            with file.open("rb") as source, self._opened_to_write(place) as target:
                while part := source.read(_AT_ONCE):
                    target.write(part)

        _guarded(self.url, copy)
        return size

    def _receive(self, digest: str, target: Path) -> None:
        place = self._place(_object(digest))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")

        def copy() -> None:
            with self._files.open_input_stream(place) as source, temporary.open("wb") as written:
                while part := source.read(_AT_ONCE):
                    written.write(part)

        try:
            _guarded(self.url, copy)
            if _digest(temporary) != digest:
                raise StoreFailure(f"{self.url} has other bytes under the name {digest}")
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def _write(self, name: str, content: bytes) -> None:
        def write() -> None:
            with self._opened_to_write(self._place(name)) as stream:
                stream.write(content)

        _guarded(self.url, write)

    def _read(self, name: str) -> bytes:
        def read() -> bytes:
            with self._files.open_input_stream(self._place(name)) as stream:
                content: bytes = stream.read()
                return content

        return _guarded(self.url, read)

    def _opened_to_write(self, place: str) -> Any:
        """An object, which is there once all of it is written."""
        if self._files.type_name == "local":  # elsewhere there are no folders
            self._files.create_dir(place.rpartition("/")[0])
        return self._files.open_output_stream(place)

    def _place(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


def opened(url: str) -> tuple[FileSystem, str]:
    """The store's file system, and the path of the URL in it."""
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


def files_of(root: Path, paths: Sequence[str]) -> Iterator[str]:
    """The files of these paths, and of all folders among them; what is not there is left out."""
    for path in paths:
        start = root / path
        for file in sorted(start.rglob("*")) if start.is_dir() else [start]:
            if file.is_file():
                yield file.relative_to(root).as_posix()


def _object(digest: str) -> str:
    return f"files/md5/{digest[:2]}/{digest[2:_DIGITS]}"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _inside(path: str) -> str:
    """A path of a list, which may come from elsewhere. Raises StoreFailure where it leads out."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise StoreFailure(f"the list names {path}, which leads out of the project")
    return path


def _guarded(url: str, act: Callable[[], T]) -> T:
    """What `act` answers. Raises StoreFailure for what the store refuses."""
    try:
        return act()
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()
        raise StoreFailure(f"{url}: {reason[0] if reason else type(error).__name__}") from None
