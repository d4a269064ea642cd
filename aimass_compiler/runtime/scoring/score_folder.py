"""Where parts of a scored table are kept: a folder of this machine, or one of an object store.

Readers of a folder see the last whole table, or the next: it is made beside it, and moved into its place. An
object store cannot move: there a table is whole once its report is there, which is written last.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow.parquet

from aimass_compiler.atomic_file import replacing
from aimass_compiler.programs.stored_files import StoredFiles

REPORT = "_report.json"
REJECTS = "_rejects"
#: What a run leaves, and what systems put into any folder.
_OWN = re.compile(rf"{REPORT}|({REJECTS}/)?part-\d+-[0-9a-f]+\.parquet|(.*/)?\.[^/]*")
#: The entry of a Parquet file's metadata that says what a part holds.
FACTS = "aimass"


class ScoreFolder(Protocol):
    """A place for the parts of one table."""

    shown: str

    def strangers(self) -> tuple[str, ...]:
        """Files that no run left there, and that the next one would delete."""

    def names(self) -> frozenset[str]:
        """The files that are there, of an earlier run or of this one, before it was killed."""

    def facts(self, name: str) -> Mapping[str, Any]:
        """What a part says of itself. Raises StoreError, OSError or ValueError where it is damaged."""

    def write(self, name: str, content: bytes) -> None:
        """Keep a file, as a whole or not at all. Raises StoreError or OSError."""

    def finish(self, names: Collection[str], report: Mapping[str, Any]) -> None:
        """These files and the report are the table; others are none of it. Raises StoreError or OSError."""


def score_folder(place: str, root: Path) -> ScoreFolder:
    """The folder at a path below the project's root, or at a URL. Raises StoreError."""
    return InStore(place) if "://" in place else OnDisk(root / place, place)


class OnDisk:
    """A folder that is made beside the one it replaces."""

    def __init__(self, folder: Path, shown: str) -> None:
        self._folder = folder
        self._made = folder.with_name(f".{folder.name}.parts")
        self.shown = shown

    def strangers(self) -> tuple[str, ...]:
        if not self._folder.exists():
            return ()
        if not self._folder.is_dir():
            return (self.shown,)
        found = sorted(
            path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file()
        )
        ours = (self._folder / REPORT).is_file()
        return tuple(name for name in found if not (ours and _OWN.fullmatch(name)))

    def names(self) -> frozenset[str]:
        found = (
            path.relative_to(folder).as_posix()
            for folder in (self._folder, self._made)
            for path in folder.rglob("*.parquet")
        )
        return frozenset(found)

    def facts(self, name: str) -> Mapping[str, Any]:
        return _facts(pyarrow.parquet.read_metadata(self._existing(name)))

    def _existing(self, name: str) -> Path:
        made = self._made / name
        return made if made.is_file() else self._folder / name

    def write(self, name: str, content: bytes) -> None:
        target = self._made / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            temporary.write_bytes(content)

    def finish(self, names: Collection[str], report: Mapping[str, Any]) -> None:
        self._made.mkdir(parents=True, exist_ok=True)
        for path in [*self._made.rglob("*")]:
            if path.is_file() and path.relative_to(self._made).as_posix() not in names:
                path.unlink()
        for name in names:
            target = self._made / name
            if not target.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._folder / name, target)
        self.write(REPORT, _as_json(report))
        before = self._folder.with_name(f".{self._folder.name}.before")
        shutil.rmtree(before, ignore_errors=True)
        if self._folder.exists():
            os.rename(self._folder, before)  # noqa: PTH104  # onto nothing, as Path.replace would allow
        self._made.replace(self._folder)
        shutil.rmtree(before, ignore_errors=True)


class InStore:
    """A folder of an object store, whose report says which files are the table."""

    def __init__(self, url: str) -> None:
        self._files = StoredFiles(url)
        self.shown = url

    def strangers(self) -> tuple[str, ...]:
        return ()  # a run has a folder that is called after it, in which nothing else is

    def names(self) -> frozenset[str]:
        return frozenset(each.name for each in self._files.listed())

    def facts(self, name: str) -> Mapping[str, Any]:
        with self._files.opened(name) as stream:
            return _facts(pyarrow.parquet.read_metadata(stream))

    def write(self, name: str, content: bytes) -> None:
        self._files.write(name, content)

    def finish(self, names: Collection[str], report: Mapping[str, Any]) -> None:
        self.write(REPORT, _as_json(report))
        for other in sorted(self.names().difference(names, (REPORT,))):
            self._files.delete(other)


def _facts(metadata: pyarrow.parquet.FileMetaData) -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads((metadata.metadata or {})[FACTS.encode()])
    return found


def _as_json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
