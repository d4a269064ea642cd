"""A stand-in for the Hugging Face Hub: the files of one commit of one repository, by its API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.harness.loopback import Answers, Server

REPOSITORY = "acme/small"
REVISION = "0123456789abcdef0123456789abcdef01234567"


class _Hub(Answers):
    """Answers what huggingface_hub asks of a snapshot; large files are named by their SHA-256."""

    folder: ClassVar[Path]
    damaged: ClassVar[dict[str, bytes]]
    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.asked.append(path)
        start, _, name = path.rpartition("/")
        if path.startswith(f"/api/models/{REPOSITORY}/tree/{REVISION}"):
            self._say([_entry(each) for each in self._files()])
        elif path == f"/api/models/{REPOSITORY}/revision/{REVISION}":
            files = [{"rfilename": each.name} for each in self._files()]
            self._say({"id": REPOSITORY, "sha": REVISION, "siblings": files})
        elif start == f"/{REPOSITORY}/resolve/{REVISION}" and (self.folder / name).is_file():
            self._file(self.folder / name)
        else:
            code = "RevisionNotFound" if REPOSITORY in path else "RepoNotFound"
            self.answer(404, b"{}", X_Error_Code=code)

    do_HEAD = do_GET

    def _files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def _say(self, document: object) -> None:
        self.answer(200, json.dumps(document).encode(), Content_Type="application/json")

    def _file(self, path: Path) -> None:
        content = self.damaged.get(path.name, path.read_bytes())
        self.answer(200, content, ETag=f'"{_named(path)}"', X_Repo_Commit=REVISION)


def _entry(path: Path) -> dict[str, object]:
    size = path.stat().st_size
    large = {"lfs": {"oid": _named(path), "sha256": _named(path), "size": size, "pointerSize": 1}}
    entry: dict[str, object] = {"type": "file", "path": path.name, "size": size, "oid": _named(path)}
    return entry | (large if path.suffix == ".safetensors" else {})


def _named(path: Path) -> str:
    """By what the hub calls its content: small files have git's kind of hash."""
    kind = hashlib.sha256 if path.suffix == ".safetensors" else hashlib.sha1
    return kind(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Hub:
    """One that answers."""

    address: str
    damaged: dict[str, bytes]
    """What is sent in the place of a file, by its name."""
    asked: list[str]


@contextmanager
def hub_of(folder: Path) -> Iterator[Hub]:
    """A hub with the files of a folder."""
    damaged: dict[str, bytes] = {}
    asked: list[str] = []
    kind = type("HubOfFolder", (_Hub,), {"folder": folder, "damaged": damaged, "asked": asked})
    with Server(kind) as server:
        yield Hub(f"http://{server.place}", damaged, asked)
