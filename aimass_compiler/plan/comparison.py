"""What must change for the disk to hold the produced files, and why; a pure function."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from aimass_compiler import conventions
from aimass_compiler.conflict_markers import is_conflicted
from aimass_compiler.diagnostics import Explanation, Finding, Severity, has_errors
from aimass_compiler.model_path import owner_of
from aimass_compiler.plan.inventory import Inventory, digest, to_bytes, with_line_feeds
from aimass_compiler.plan.names import below, folders_listed, folders_produced, inventory_path, refusals

if TYPE_CHECKING:
    from aimass_compiler.plan.folder import Obstacle
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
        "next compile keeps it, or give it up with `aimass compile --force`. Nothing was written in this "
        "run. Conflict markers of a merge do not count as an edit: compiling rewrites the file.",
    ),
    Explanation(
        "AM034",
        "an inventory cannot be read",
        "Each model's folder lists what the compiler wrote there. Without that list it cannot know its "
        "own files from yours. Delete it and compile again; files that are as they should be are adopted. "
        "One in which a merge left conflict markers can be read: both sides of it count.",
    ),
    Explanation(
        "AM037",
        "a model is gone, and files of others stay in its folder",
        "Where a spec was deleted or renamed, the compiler deletes what it wrote for it, and nothing else. "
        "Mostly `dvc.lock` stays, which DVC wrote: it is the only link from that model to its data and "
        "results in the cache. Move it to the folder of the model's new name, or delete it with `git rm` "
        "when they are no longer needed.",
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


class FileChange(NamedTuple):
    """What happens to one file, and why."""

    action: Action
    path: str
    reason: str


class Plan(Struct, frozen=True):
    """Every file that is produced or owned, sorted by path, and what stands against writing."""

    changes: tuple[FileChange, ...] = ()
    #: What shall be on disk afterwards, inventories included.
    files: Files = field(default_factory=dict)
    #: What was on disk when this was planned.
    previous: Files = field(default_factory=dict)
    #: Inventories to write first, so that a run that is killed half-way leaves nothing unexplained.
    announcements: Files = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    shown_as: str = conventions.GENERATED_FOLDER

    @property
    def of_teams(self) -> frozenset[str]:
        """The models of teams that it is about, by which `owner_of` tells whose a file is."""
        return folders_listed(change.path for change in self.changes)

    @property
    def is_stale(self) -> bool:
        """Whether the disk differs from what the spec compiles to."""
        return has_errors(self.findings) or any(
            change.action is not Action.UNCHANGED for change in self.changes
        )


def merged(plans: Sequence[Plan]) -> Plan:
    """Several plans of different models as one."""
    changes = (change for plan in plans for change in plan.changes)
    return Plan(
        changes=tuple(sorted(changes, key=lambda change: change.path)),
        files={path: content for plan in plans for path, content in plan.files.items()},
        previous={path: content for plan in plans for path, content in plan.previous.items()},
        findings=tuple(finding for plan in plans for finding in plan.findings),
        shown_as=plans[0].shown_as if plans else "",
    )


def compare(files: Files, seen: Snapshot, *, prune_models: bool = False, force: bool = False) -> Plan:
    """The plan that makes the disk hold these files.

    `prune_models` says that the files are those of all models: folders of others are emptied of
    what their inventories list. `force` gives up edits made by hand.
    """
    findings = refusals(files, seen.shown_as)
    if findings:
        return Plan(findings=tuple(findings), shown_as=seen.shown_as)
    produced: dict[str, dict[str, bytes]] = {}
    models = folders_produced(files)
    for path, content in files.items():
        folder = owner_of(path, models)
        produced.setdefault(folder, {})[path[len(folder) + 1 :] if folder else path] = content
    considered = produced.keys() | seen.inventories.keys() if prune_models else produced.keys()
    parts = [_Part(folder, produced.get(folder), seen, force) for folder in sorted(considered)]
    changes = sorted((change for part in parts for change in part.changes), key=lambda change: change.path)
    # What is unchanged is the produced content itself, so that both are held in memory only once.
    same = {change.path: files[change.path] for change in changes if _is_kept(change, files)}
    return Plan(
        changes=tuple(changes),
        files={**files, **{part.listing: part.inventory for part in parts if part.inventory is not None}},
        previous={**seen.contents, **same},
        announcements={part.listing: part.announced() for part in parts if part.is_announced},
        findings=tuple(_findings(changes, considered, seen, force=force)) or tuple(_kept(considered, seen)),
        shown_as=seen.shown_as,
    )


def _is_kept(change: FileChange, files: Files) -> bool:
    return change.action is Action.UNCHANGED and change.path in files


class _Part:
    """What happens in one model's folder; nothing is produced for one that is gone."""

    def __init__(self, folder: str, files: Files | None, seen: Snapshot, force: bool) -> None:
        inventory = seen.inventories.get(folder)
        self.listing = inventory_path(folder)
        self._folder = folder
        self._contents = seen.contents
        self._known = inventory if isinstance(inventory, Inventory) else Inventory()
        self._listed = {path: digest(content) for path, content in (files or {}).items()}
        self.inventory = None if files is None else to_bytes(Inventory(self._listed))
        self.changes = [*self._changes(files or {}, force=force), *self._listing_change()]

    @property
    def is_announced(self) -> bool:
        """Whether what is written must be listed first, so that it counts as ours when the run is killed."""
        return self.inventory is not None and any(
            change.action in (Action.CREATE, Action.UPDATE) and change.path != self.listing
            for change in self.changes
        )

    def announced(self) -> bytes:
        """The inventory of what is there now and what will be: either was written by the compiler.

        An edit that is given up keeps its old hash: killed before it is replaced, it is still an edit.
        """
        before = dict(self._known.files)
        for path, message in self._known.announced.items():
            content = self._contents.get(below(self._folder, path))
            if content is not None and digest(content) == message:
                before[path] = message
        return to_bytes(Inventory(before, self._listed))

    def _changes(self, files: Files, *, force: bool) -> Iterator[FileChange]:
        known = self._known
        for path in sorted(known.paths | files.keys()):
            whole = below(self._folder, path)
            before, after = self._contents.get(whole), files.get(path)
            if _is_same(before, after):
                if before is not None:
                    yield FileChange(Action.UNCHANGED, whole, "is as it should be")
                continue
            is_known = path in known.paths
            is_own = force or before is None or known.wrote(path, before) or (is_known and _is_lost(before))
            if before is not None and after is not None and is_conflicted(before):
                yield FileChange(Action.UPDATE, whole, "a merge left conflict markers in it")
            else:
                yield _change(whole, before, after, is_known=is_known, is_own=is_own)

    def _listing_change(self) -> Iterator[FileChange]:
        reason = "lists what the compiler wrote"
        before, after = self._contents.get(self.listing), self.inventory
        if _is_same(before, after):
            if before is not None:
                yield FileChange(Action.UNCHANGED, self.listing, reason)
        elif before is not None and after is not None and is_conflicted(before):
            yield FileChange(Action.UPDATE, self.listing, "a merge left conflict markers in it")
        else:
            action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
            yield FileChange(action, self.listing, reason)


def _is_same(before: bytes | None, after: bytes | None) -> bool:
    """Whether a file is as it should be; what a checkout does to line ends does not count."""
    if before == after or before is None or after is None:
        return before == after
    return b"\r" in before and with_line_feeds(before) == after


def _is_lost(content: bytes) -> bool:
    """Whether nothing of anybody is in a file: what is left where a machine lost its power."""
    return not content.strip(b"\0")


def _change(
    path: str, before: bytes | None, after: bytes | None, *, is_known: bool, is_own: bool
) -> FileChange:
    """What happens to a file that is not as it should be."""
    if before is None:
        reason = "was deleted since it was written" if is_known else "is new"
        return FileChange(Action.CREATE, path, reason)
    if not is_own:
        reason = "was edited by hand" if is_known else "is there and was not written by the compiler"
        return FileChange(Action.EDITED, path, reason)
    if after is None:
        return FileChange(Action.DELETE, path, "is no longer produced")
    return FileChange(Action.UPDATE, path, "differs from what is produced now")


def _findings(
    changes: list[FileChange], folders: Collection[str], seen: Snapshot, *, force: bool
) -> Iterator[Finding]:
    yield from _obstacles(folders, seen)
    for folder in sorted(folders):
        reason = seen.inventories.get(folder)
        if isinstance(reason, str) and not force:
            path = f"{seen.shown_as}/{inventory_path(folder)}"
            hint = "delete it and compile again; files that are as they should be are adopted"
            yield Finding("AM034", (), f"`{path}` cannot be read: {reason}", help=hint, file=path)
    for change in changes:
        if change.action is Action.EDITED:
            hint = "move the change into the spec, or give it up with `aimass compile --force`"
            path = f"{seen.shown_as}/{change.path}"
            yield Finding("AM033", (), f"`{path}` {change.reason}", help=hint, file=path)


def _kept(folders: Collection[str], seen: Snapshot) -> Iterator[Finding]:
    """What is not the compiler's, and stays in the folders of models that are gone."""
    kept: dict[str, list[str]] = {}
    for path in seen.others:
        folder = owner_of(path, folders)
        if folder in folders:
            kept.setdefault(folder, []).append(path)
    for folder, paths in kept.items():
        more = f" and {len(paths) - 1} more files" if len(paths) > 1 else ""
        message = f"`{paths[0]}`{more} will stay although the model is gone: the compiler did not write it"
        hint = "delete it when it is no longer needed; `aimass explain AM037` says what a `dvc.lock` is for"
        file = f"{seen.shown_as}/{folder}"
        yield Finding("AM037", (), message, help=hint, severity=Severity.WARNING, file=file)


def _obstacles(folders: Collection[str], seen: Snapshot) -> Iterator[Finding]:
    """One finding for each thing that is in the way, whatever number of files it keeps out."""
    kept_out: dict[Obstacle, list[str]] = {}
    for path, obstacle in seen.obstacles.items():
        if not path or owner_of(path, folders) in folders:
            kept_out.setdefault(obstacle, []).append(path)
    for obstacle, paths in kept_out.items():
        also = f"; {len(paths)} files belong below it" if len(paths) > 1 else ""
        file = f"{seen.shown_as}/{obstacle.at}" if obstacle.at else seen.shown_as
        yield Finding("AM032", (), f"{obstacle.reason}{also}", help="remove what is in the way", file=file)
