"""What DVC ran, read from dvc.lock and held against the files that are here; DVC itself is not asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from aimass_compiler import conventions
from aimass_compiler.conflict_markers import is_conflicted, without_stages_in_conflict
from aimass_compiler.effects.normal import mapping
from aimass_compiler.effects.objects import repeats

#: Of the file that says which data belongs at a path; git has it in the place of the data.
DVC_SUFFIX = ".dvc"
#: A plan answers at once: so many bytes are hashed for it, and what is left is not looked at.
_MOST_BYTES = 256 * 2**20
_CHUNK = 2**20


class Seen(StrEnum):
    """A file against what dvc.lock says of it."""

    SAME = "same"
    OTHER = "other"
    MISSING = "missing"
    UNREAD = "unread"
    """Too large for a plan, a folder, or hashed in a way of older DVCs."""


@dataclass(frozen=True)
class Run:
    """How a stage last ran: its command, the values that it read, and its files."""

    command: str
    values: Mapping[str, Any]
    """By dotted keys of pipeline.json."""
    needed: tuple[Mapping[str, Any], ...]
    left: tuple[Mapping[str, Any], ...]


class _Yaml12(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # either is a loader
    """Reads scalars as YAML 1.2 does, which is what DVC writes: `no` is a word and 1e-05 a number."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # pyyaml's own name and type


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ("n", "~", "")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


@dataclass
class Reading:
    """What is on disk of one project, read within bounds."""

    root: Path
    left: int = field(default=_MOST_BYTES)

    def has_run(self, model: str) -> bool:
        """Whether DVC ran any stage of a model here."""
        return self._lock(model).is_file()

    def _lock(self, model: str) -> Path:
        return self.root / conventions.GENERATED_FOLDER / model / conventions.DVC_LOCK

    def record(self, model: str) -> Mapping[str, Run] | None:
        """The last run of each stage; None where there is no dvc.lock, or none that can be read."""
        try:
            content = self._lock(model).read_bytes()
            if is_conflicted(content):
                content, _ = without_stages_in_conflict(content)
            if repeats(content):
                return None
            document = yaml.load(content, _Yaml12)  # noqa: S506  # a safe loader
        except (OSError, yaml.YAMLError, ValueError, RecursionError):
            return None
        stages = mapping(mapping(document).get("stages"))
        return {name: _run(stage) for name, stage in stages.items() if isinstance(stage, Mapping)}

    def tracked(self, path: str) -> tuple[str, bytes] | None:
        """The .dvc file of a data file of the project, and what it holds; None where there is none."""
        shown = f"{path}{DVC_SUFFIX}"
        try:
            return shown, (self.root / shown).read_bytes()
        except (OSError, ValueError):
            return None

    def seen(self, entry: Mapping[str, Any]) -> Seen:
        """One file of dvc.lock against the disk."""
        path = self.root / str(entry.get("path", ""))
        try:
            size = path.stat().st_size
        except OSError:
            return Seen.MISSING
        if path.is_dir() or entry.get("hash") != "md5":
            return Seen.UNREAD
        if entry.get("size") != size:
            return Seen.OTHER
        if size > self.left:
            return Seen.UNREAD
        self.left -= size
        return Seen.SAME if _md5(path) == entry.get("md5") else Seen.OTHER

    def worst(self, entries: Iterable[Mapping[str, Any]]) -> dict[Seen, list[str]]:
        """The files that are not as they were, by what they are instead."""
        found: dict[Seen, list[str]] = {}
        for entry in entries:
            if (seen := self.seen(entry)) is not Seen.SAME:
                found.setdefault(seen, []).append(str(entry.get("path", "")))
        return found


def tracked_md5(content: bytes) -> str:
    """The hash of the data that a .dvc file names; nothing where it names none that DVC itself keeps."""
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError):
        return ""
    outs = mapping(document).get("outs")
    first = outs[0] if isinstance(outs, list) and outs else None
    return str(mapping(first).get("md5", ""))


def _run(stage: Mapping[str, Any]) -> Run:
    values: dict[str, Any] = {}
    for of_file in mapping(stage.get("params")).values():
        values |= mapping(of_file)
    return Run(str(stage.get("cmd", "")), values, _entries(stage, "deps"), _entries(stage, "outs"))


def _entries(stage: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    listed = stage.get(name)
    return tuple(entry for entry in listed if isinstance(entry, Mapping)) if isinstance(listed, list) else ()


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)  # what DVC tells files apart by
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()
