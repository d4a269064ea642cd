"""What is on record of one folder of generated/, and whether the folder is still what it was.

Nothing heavy is imported here: where nothing has changed, this is part of what runs.
"""

from __future__ import annotations

import json
import os

from aimass_compiler import conventions
from aimass_compiler.conflict_markers import is_conflicted
from aimass_compiler.file_stamps import (
    Paths,
    Stamp,
    content_of,
    digest_of,
    hash_of,
    hash_of_bytes,
    is_past,
    paths_of,
    stamps_of,
    walked,
)


class Record:
    """What was known of one spec and of what was generated for it when both were last in step."""

    __slots__ = ("files", "findings", "folder", "inventory", "paths", "spec", "text")

    def __init__(
        self,
        spec: Stamp,
        text: str,
        folder: str,
        inventory: str,
        files: int,
        paths: Paths,
        findings: str = "",
    ) -> None:
        self.spec = spec
        self.text = text
        """The hash of the spec's content."""
        self.folder = folder
        """A digest over the stamps of the model's folder and of all paths in it."""
        self.inventory = inventory
        """The hash of the inventory, which in turn holds the hashes of the model's files."""
        self.files = files
        """How many files the compiler wrote."""
        self.paths = paths
        self.findings = findings
        """The spec's warnings, as JSON; empty where there are none."""

    def as_list(self) -> list[object]:
        return [self.spec, self.text, self.folder, self.inventory, self.files]


def record_of(folder: str, stamp: Stamp, text: str, findings: str = "") -> Record | None:
    """The record of a folder that is in step now with what was read; None where it lists no files."""
    content = content_of(os.path.join(folder, conventions.INVENTORY_FILE))
    if content is None or _has_conflict(folder):
        return None
    listed = _listed(content)
    paths = paths_of(tuple(listed))
    stamps = stamps_of(folder, paths)
    digest = digest_of(stamps) if all(map(is_past, stamps)) else ""
    return Record(stamp, text, digest, hash_of_bytes(content), len(listed) + 1, paths, findings)


def is_as_inventoried(folder: str, inventory: str) -> bool:
    """Whether a folder holds the inventory of this hash, all files as it lists them, and no remains."""
    content = content_of(os.path.join(folder, conventions.INVENTORY_FILE))
    if content is None or hash_of_bytes(content) != inventory:
        return False
    listed, there = _listed(content), {path for path, _ in walked(folder)}
    has_remains = any(path.rpartition("/")[2].startswith(".") for path in there - listed.keys())
    return (
        not has_remains
        and not _has_conflict(folder)
        and {*listed, conventions.INVENTORY_FILE} <= there
        and all(hash_of(os.path.join(folder, path)) == digest for path, digest in listed.items())
    )


def _listed(inventory: bytes) -> dict[str, str]:
    """The files of an inventory with their hashes."""
    files: dict[str, str] = json.loads(inventory)["files"]
    return files


def _has_conflict(folder: str) -> bool:
    """Whether a merge left conflict markers in a model's dvc.lock."""
    return is_conflicted(content_of(os.path.join(folder, conventions.DVC_LOCK)) or b"")
