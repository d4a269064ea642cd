"""What DVC records in files of git: `dvc.lock` of a run, and the `.dvc` files in the place of data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

#: Where DVC notes by what it knows a file: of files here, and of remote ones.
_HASHES = ("md5", "etag", "checksum")
#: What follows the path of data in the name of the file that git has in its place.
DVC_SUFFIX = ".dvc"


class NoRun(Exception):  # noqa: N818  # it reads as what is the case
    """There is no dvc.lock, or none that can be read; the message says which."""


class RecordedRun(Struct, frozen=True):
    """The stages of a model as DVC ran them last."""

    stages: Mapping[str, Any]

    def read(self) -> dict[str, str]:
        """The hash of every file that stages read and none of them left."""
        left = {entry["path"] for stage in self.stages.values() for entry in stage.get("outs") or ()}
        listed = (entry for stage in self.stages.values() for entry in stage.get("deps") or ())
        return {entry["path"]: _hash_of(entry) for entry in listed if entry["path"] not in left}

    def left(self, stage: str) -> dict[str, str]:
        """The hash of every file that a stage left, by its path."""
        outs = (self.stages.get(stage) or {}).get("outs") or ()
        return {entry["path"]: _hash_of(entry) for entry in outs}

    def parameters(self, stages: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        """Every parameter that these stages ran with, by its dotted key."""
        for stage in stages:
            for values in ((self.stages.get(stage) or {}).get("params") or {}).values():
                yield from values.items()

    def changed_key(self, document: Any, stages: tuple[str, ...]) -> str | None:
        """The first key that has another value in the document than these stages ran with."""
        return next((key for key, value in self.parameters(stages) if _at(document, key) != value), None)


def _at(document: Any, key: str) -> Any:
    for part in key.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    return document


def recorded_run(path: Path) -> RecordedRun:
    """What a dvc.lock records. Raises NoRun."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        # DVC writes YAML 1.2, where `no` is text.
        document = YAML(typ="safe", pure=True).load(path.read_bytes())
        return RecordedRun(dict(document["stages"]))
    except FileNotFoundError:
        raise NoRun(f"there is no {path.name} yet") from None
    except (OSError, YAMLError, LookupError, TypeError, ValueError) as error:
        raise NoRun(f"{path.name} cannot be read: {error}") from None


def _hash_of(entry: Mapping[str, Any]) -> str:
    return str(next((entry[key] for key in _HASHES if key in entry), ""))


def dvc_note(root: Path, path: str) -> bytes | None:
    """What the `.dvc` file beside a path holds; None where there is none."""
    try:
        return (root / f"{path}{DVC_SUFFIX}").read_bytes()
    except (OSError, ValueError):
        return None


def tracked_md5(content: bytes) -> str:
    """The hash of the data that a .dvc file names; nothing where it names none that DVC itself keeps."""
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError):
        return ""
    outs = document.get("outs") if isinstance(document, Mapping) else None
    first = outs[0] if isinstance(outs, list) and outs else None
    return str(first.get("md5", "")) if isinstance(first, Mapping) else ""
