"""What must change for the disk to hold the produced files, and why; a pure function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Finding
from aimass_compiler.explanations import Explanation
from aimass_compiler.plan.inventory import Inventory, digest, to_bytes
from aimass_compiler.plan.names import below, inventory_path, is_inventory, model_folder, refusals

if TYPE_CHECKING:
    from aimass_compiler.plan.snapshot import Snapshot

EXPLANATIONS = (
    Explanation(
        "AM032",
        "something is in the way of a file",
        "A symbolic link, a folder or a device stands where a file belongs, or a link stands above "
        "it. The compiler follows no links, so that nothing outside of the output folder is ever "
        "touched. Remove what is in the way and compile again.",
    ),
    Explanation(
        "AM033",
        "a file was not written by the compiler, or edited since",
        "The compiler replaces and deletes only what it wrote. Move the change into the spec, where the "
        "next compile keeps it, or give it up with `--force`. Nothing was written in this run.",
    ),
    Explanation(
        "AM034",
        "an inventory cannot be read",
        "Each model's folder lists what the compiler wrote there. Without that list it cannot tell its "
        "own files from yours. After a merge conflict in generated files: take either side of the "
        "inventory, or delete it, and compile again; files that are as they should be are adopted.",
    ),
)

#: POSIX paths below the output folder, and what each file holds.
Files = Mapping[str, bytes]


class Action(StrEnum):
    """What happens to one file; `edited` stops everything, because somebody's work is there."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UNCHANGED = "unchanged"
    EDITED = "edited"


@dataclass(frozen=True)
class Change:
    """What happens to one file, and why."""

    action: Action
    path: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """Every file that is produced or owned, sorted by path, and what stands against writing."""

    changes: tuple[Change, ...] = ()
    #: What shall be on disk afterwards, inventories included.
    files: Files = field(default_factory=dict)
    #: What was on disk when this was planned.
    previous: Files = field(default_factory=dict)
    #: Inventories to write first, so that a run that is killed half-way leaves nothing unexplained.
    announcements: Files = field(default_factory=dict)
    leftovers: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    shown_as: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether the disk differs from what the spec compiles to."""
        return bool(self.findings) or any(change.action is not Action.UNCHANGED for change in self.changes)


def compare(files: Files, seen: Snapshot, *, prune_models: bool = False, force: bool = False) -> Plan:
    """The plan that makes the disk hold these files.

    `prune_models` says that the files are those of all models: folders of others are emptied of
    what their inventories list. `force` gives up edits made by hand.
    """
    findings = refusals(files, seen.shown_as)
    if findings:
        return Plan(findings=tuple(findings), shown_as=seen.shown_as)
    folders = {model_folder(path) for path in files}
    considered = folders | set(seen.inventories) if prune_models else folders
    wanted = dict(files)
    changes: list[Change] = []
    announcements: dict[str, bytes] = {}
    for folder in sorted(considered):
        if folder in folders:
            wanted[inventory_path(folder)] = to_bytes(_inventory_of(folder, files))
        found = list(_changes(folder, wanted, seen, force=force))
        changes += found
        if folder in folders and any(map(_is_announced, found)):
            announcements[inventory_path(folder)] = to_bytes(_announcement(folder, files, seen))
    changes.sort(key=lambda change: change.path)
    return Plan(
        changes=tuple(changes),
        files=wanted,
        previous=seen.contents,
        announcements=announcements,
        leftovers=tuple(path for path in seen.leftovers if model_folder(path) in considered),
        findings=tuple(_findings(changes, considered, seen, force=force)),
        shown_as=seen.shown_as,
    )


def _is_announced(change: Change) -> bool:
    return change.action in (Action.CREATE, Action.UPDATE) and not is_inventory(change.path)


def _inside(folder: str, path: str) -> str:
    return path.removeprefix(f"{folder}/") if folder else path


def _inventory_of(folder: str, files: Files) -> Inventory:
    listed = {_inside(folder, path): digest(files[path]) for path in files if model_folder(path) == folder}
    return Inventory(listed)


def _known(folder: str, seen: Snapshot) -> Inventory:
    inventory = seen.inventories.get(folder)
    return inventory if isinstance(inventory, Inventory) else Inventory()


def _announcement(folder: str, files: Files, seen: Snapshot) -> Inventory:
    """What is there now and what will be, so that either counts as written by the compiler.

    An edit that is given up keeps its old hash: killed before it is replaced, it is still an edit.
    """
    known = _known(folder, seen)
    before = dict(known.files)
    for path in sorted(known.paths):
        content = seen.contents.get(below(folder, path))
        if content is not None and known.wrote(path, content):
            before[path] = digest(content)
    return Inventory(before, _inventory_of(folder, files).files)


def _changes(folder: str, wanted: Files, seen: Snapshot, *, force: bool) -> Iterator[Change]:
    known = _known(folder, seen)
    listing = inventory_path(folder)
    owned = {below(folder, path) for path in known.paths}
    produced = {path for path in wanted if path != listing and model_folder(path) == folder}
    for path in sorted(owned | produced):
        before, after = seen.contents.get(path), wanted.get(path)
        is_known = path in owned
        is_own = before is not None and known.wrote(_inside(folder, path), before)
        if change := _change(path, before, after, is_known=is_known, is_own=is_own or force):
            yield change
    yield from _listing_change(listing, seen.contents.get(listing), wanted.get(listing))


def _change(
    path: str, before: bytes | None, after: bytes | None, *, is_known: bool, is_own: bool
) -> Change | None:
    if before == after:
        return Change(Action.UNCHANGED, path, "is as it should be") if before is not None else None
    if before is None:
        reason = "was deleted since it was written" if is_known else "is new"
        return Change(Action.CREATE, path, reason)
    if not is_own:
        reason = "was edited by hand" if is_known else "is there and was not written by the compiler"
        return Change(Action.EDITED, path, reason)
    if after is None:
        return Change(Action.DELETE, path, "is no longer produced")
    return Change(Action.UPDATE, path, "differs from what is produced now")


def _listing_change(path: str, before: bytes | None, after: bytes | None) -> Iterator[Change]:
    reason = "lists what the compiler wrote"
    if change := _change(path, before, after, is_known=False, is_own=True):
        yield Change(change.action, path, reason)


def _findings(changes: list[Change], folders: set[str], seen: Snapshot, *, force: bool) -> Iterator[Finding]:
    for path, obstacle in seen.obstacles.items():
        if model_folder(path) in folders:
            message = f"`{path}` cannot be written: {obstacle.reason}"
            yield Finding(
                "AM032", (), message, help="remove what is in the way", file=f"{seen.shown_as}/{path}"
            )
    for folder in sorted(folders):
        reason = seen.inventories.get(folder)
        if isinstance(reason, str) and not force:
            path = inventory_path(folder)
            hint = "delete it and compile again; files that are as they should be are adopted"
            message = f"`{path}` cannot be read: {reason}"
            yield Finding("AM034", (), message, help=hint, file=f"{seen.shown_as}/{path}")
    for change in changes:
        if change.action is Action.EDITED:
            hint = "move the change into the spec, or give it up with `--force`"
            message = f"`{change.path}` {change.reason}"
            yield Finding("AM033", (), message, help=hint, file=f"{seen.shown_as}/{change.path}")
