"""An object store, through which files reach a training job and come back, by what they hold.

Files lie where a DVC remote at the same URL has them (`files/md5/ab/cdef…`), so that `dvc push` finds what a
training job left there already. A list, `MODEL/given.json`, `MODEL/results.json` or, of a step of a pipeline,
`MODEL/steps/STAGE-DIGEST.json`, says which paths they have in the project.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from aimass_compiler.atomic_file import replacing
from aimass_compiler.programs.stored_files import StoredFiles, StoreError

_STEPS = "steps"
_PROGRESS = "progress.txt"
#: Of MD5, which DVC names files by: a name, not a proof.
_DIGITS = 32
_STEP_DIGITS = 16


class Store:
    """An object store below a URL. Every method raises StoreError for what it refuses."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._files = StoredFiles(url)

    def send(self, model: str, name: str, root: Path, paths: Sequence[str]) -> int:
        """Store files and all files of folders, those that are new; how many bytes that took."""
        sent, listed = self._stored(root, paths)
        self._files.write(f"{model}/{name}.json", listed)
        return sent

    def keep(self, model: str, stage: str, root: Path, paths: Sequence[str]) -> str:
        """The same of what a step of a pipeline left; the name of the list says what the files hold."""
        _, listed = self._stored(root, paths)
        name = f"{_STEPS}/{stage}-{hashlib.sha256(listed).hexdigest()[:_STEP_DIGITS]}"
        self._files.write(f"{model}/{name}.json", listed)
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
        whole = json.loads(self._files.read(f"{model}/{name}.json"))
        listed = {path: each for path, each in whole.items() if not is_wanted or is_wanted(path)}
        for path, each in listed.items():
            target = root / _inside(path)
            if not (target.is_file() and _digest(target) == each["md5"]):
                self._receive(each["md5"], target)
        return sorted(listed)

    def note(self, model: str, progress: str) -> None:
        """Say how far the model's job is."""
        self._files.write(f"{model}/{_PROGRESS}", progress.encode())

    def noted(self, model: str) -> str:
        """What the model's job said last; nothing where it said nothing, or cannot be asked."""
        try:
            return self._files.read(f"{model}/{_PROGRESS}").decode()
        except StoreError:
            return ""

    def _sent(self, file: Path, digest: str, size: int) -> int:
        if self._files.size(_object(digest)) == size:
            return 0
        self._files.upload(file, _object(digest))
        return size

    def _receive(self, digest: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            self._files.download(_object(digest), temporary)
            if _digest(temporary) != digest:
                message = f"{self.url} has other bytes under the name {digest}"
                raise StoreError(message, "delete what is there, and store it again")


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
    """A path of a list, which may come from elsewhere. Raises StoreError where it leads out."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        message = f"the list names {path}, which leads out of the project"
        raise StoreError(message, "it is none of ours: look at who may write to the store")
    return path
