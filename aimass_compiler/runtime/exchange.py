"""`python -m aimass_compiler.runtime.exchange`: files go to an object store and come back, by their content.

Files lie where a DVC remote at the same URL has them (`files/md5/ab/cdef…`), so that `dvc push` finds what a training
job left there already. A list, `MODEL/given.json` or `MODEL/results.json`, says which paths they have in the project.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeVar

from aimass_compiler.conventions import ExitCode

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

T = TypeVar("T")
#: What the job is given, and what it leaves.
List = Literal["given", "results"]
_AT_ONCE = 2**23
#: Of MD5, which DVC names files by: a name, not a proof.
_DIGITS = 32


class StoreFailure(Exception):  # noqa: N818  # it reads as what is the case
    """The object store cannot be reached, or lacks a file; `help` says the way out."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.help = "look at the URL, and at the credentials that this process has for it"


class Store:
    """An object store below a URL: `s3://bucket/prefix`, `gs://…`, or a folder as `file:///…`.

    Credentials are those that the store's own programs find: variables of the environment, a profile, the
    identity of a workload. S3-compatible servers are named by `AWS_ENDPOINT_URL`.
    """

    def __init__(self, url: str) -> None:
        from pyarrow.fs import FileSystem

        self.url = url
        self._files: FileSystem
        self._files, self._root = _guarded(url, lambda: FileSystem.from_uri(url))

    def send(self, model: str, name: List, root: Path, paths: Sequence[str]) -> int:
        """Store files and all files of folders, those that are new; how many bytes that took."""
        sent, listed = 0, dict[str, dict[str, object]]()
        for path in sorted(files_of(root, paths)):
            digest, size = _digest(root / path), (root / path).stat().st_size
            listed[path] = {"md5": digest, "size": size}
            sent += self._sent(root / path, digest, size)
        self._write(f"{model}/{name}.json", json.dumps(listed, indent=1).encode())
        return sent

    def receive(self, model: str, name: List, root: Path) -> list[str]:
        """Bring the files of a list to their paths below a folder, those that are not there; their paths."""
        listed = json.loads(self._read(f"{model}/{name}.json"))
        for path, each in listed.items():
            target = root / _inside(path)
            if not (target.is_file() and _digest(target) == each["md5"]):
                self._receive(each["md5"], target)
        return sorted(listed)

    def _sent(self, file: Path, digest: str, size: int) -> int:
        place = self._place(_object(digest))
        (there,) = _guarded(self.url, lambda: self._files.get_file_info([place]))
        if there.is_file and there.size == size:
            return 0
        _guarded(self.url, lambda: self._files.create_dir(place.rpartition("/")[0]))

        def copy() -> None:
            # An object of S3 is there as a whole or not at all; a file has a name of its own until it is.
            with file.open("rb") as source, self._files.open_output_stream(place) as target:
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
        place = self._place(name)
        _guarded(self.url, lambda: self._files.create_dir(place.rpartition("/")[0]))

        def write() -> None:
            with self._files.open_output_stream(place) as stream:
                stream.write(content)

        _guarded(self.url, write)

    def _read(self, name: str) -> bytes:
        def read() -> bytes:
            with self._files.open_input_stream(self._place(name)) as stream:
                content: bytes = stream.read()
                return content

        return _guarded(self.url, read)

    def _place(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


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
    """A path of a list, which somebody else may have written. Raises StoreFailure where it leads out."""
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring what a training job is given, or store what it left."""
    parser = argparse.ArgumentParser(prog="python -m aimass_compiler.runtime.exchange", description=__doc__)
    parser.add_argument("act", choices=["receive", "send"], help="bring files here, or store them")
    parser.add_argument("model")
    parser.add_argument("store", help="the URL")
    parser.add_argument("paths", nargs="*", help="what is stored, by its path in the project")
    parser.add_argument("--root", type=Path, default=Path())
    parsed = parser.parse_args(arguments)
    try:
        store = Store(parsed.store)
        if parsed.act == "receive":
            count = len(store.receive(parsed.model, "given", parsed.root))
            print(f"{count} files came from {parsed.store}", flush=True)
        else:
            size = store.send(parsed.model, "results", parsed.root, parsed.paths)
            print(f"results went to {parsed.store}: {size:,} bytes that it had not", flush=True)
    except StoreFailure as failure:
        print(f"{parsed.act}: {failure}\n  help: {failure.help}", file=sys.stderr)
        return int(ExitCode.DATA)
    return int(ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
