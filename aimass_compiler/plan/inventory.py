"""The list of files in one model's folder that the compiler wrote, with the hash of what it wrote."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field

from aimass_compiler.conflict_markers import is_conflicted, sides
from aimass_compiler.plan.names import below, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "aimass.inventory/v1"


class Inventory(Struct, frozen=True):
    """Paths inside of the folder, each with a SHA-256 in hexadecimal.

    `announced` is what a write in progress is about to put there. A run that was killed leaves
    some files old and some new, and both are the compiler's own.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    announced: Mapping[str, str] = field(default_factory=dict)
    is_merged: bool = False
    """Whether it was read from both sides of a merge: one is in `files`, the other in `announced`."""

    def wrote(self, path: str, content: bytes) -> bool:
        """Whether this content is what the compiler put there, and not somebody's edit."""
        message = (self.files.get(path), self.announced.get(path))
        # What both sides changed git may have merged line by line, which is nobody's edit either.
        is_of_both = self.is_merged and None not in message and message[0] != message[1]
        return is_of_both or digest(content) in message or digest(with_line_feeds(content)) in message

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self.files) | frozenset(self.announced)


def digest(content: bytes) -> str:
    """The SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def with_line_feeds(content: bytes) -> bytes:
    """A text with the line ends that the compiler writes, which git may change at a checkout."""
    return content.replace(b"\r\n", b"\n")


def to_bytes(inventory: Inventory) -> bytes:
    """The inventory as its file holds it: the same bytes for the same list."""
    record: dict[str, object] = {"format": FORMAT, "files": dict(inventory.files)}
    if inventory.announced:
        record["announced"] = dict(inventory.announced)
    return msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=2) + b"\n"


def from_bytes(folder: str, content: bytes) -> Inventory | str:
    """The inventory of a model's folder that a file holds, or why it holds none.

    Its paths are checked as if they were produced: a forged list must not lead outside. Of one that a merge
    left in conflict, both sides count.
    """
    if is_conflicted(content):
        read = [found for side in sides(content) if isinstance(found := from_bytes(folder, side), Inventory)]
        if read:
            return Inventory(read[0].files, read[-1].files, is_merged=True)
        return "a merge left conflict markers in it, and neither side is one"
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        return "it is not JSON"
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        return f"its format is not `{FORMAT}`; was it written by a newer version?"
    files: Any = record.get("files")
    announced: Any = record.get("announced", {})
    problem = _problem(folder, files) or _problem(folder, announced)
    return problem or Inventory(files, announced)


def _problem(folder: str, listed: object) -> str:
    if not isinstance(listed, dict) or not all(isinstance(value, str) for value in listed.values()):
        return "it does not map paths to hashes"
    for path in listed:
        elsewhere = "it is in another folder" if not folder and "/" in path else ""
        if reason := refusal(below(folder, path), folder) or elsewhere:
            return f"it lists `{path}`: {reason}"
    return ""
