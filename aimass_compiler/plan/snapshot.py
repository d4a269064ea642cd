"""What is on disk, as far as a plan needs to know it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.plan.inventory import Inventory, from_bytes
from aimass_compiler.plan.names import below, inventory_path, model_folder, partial_name, refusal

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping


@dataclass(frozen=True)
class Obstacle:
    """Why a path can neither be read nor written safely."""

    reason: str


@dataclass(frozen=True)
class Snapshot:
    """The output folder at one moment: only the paths that are produced or owned."""

    contents: Mapping[str, bytes] = field(default_factory=dict)
    obstacles: Mapping[str, Obstacle] = field(default_factory=dict)
    #: By model folder; a text says why there is an inventory that cannot be read.
    inventories: Mapping[str, Inventory | str] = field(default_factory=dict)
    #: Temporary files of a run that was killed.
    leftovers: tuple[str, ...] = ()
    #: What people call the output folder.
    shown_as: str = conventions.GENERATED_FOLDER


def snapshot(
    folder: pathlib.Path,
    produced: Iterable[str],
    shown_as: str = conventions.GENERATED_FOLDER,
    *,
    settled: Collection[str] = (),
) -> Snapshot:
    """Read the inventories below a folder, the files they list and those to be produced.

    Nothing is followed: a symbolic link at a path, or above it, is an obstacle. The folders of
    `settled` models are known to be as they should be, and are not looked at.
    """
    subfolders = [name for name in _subfolders(folder) if name not in settled]
    return _seen(partial(observe, folder), subfolders, produced, shown_as)


def snapshot_of(
    files: Mapping[str, bytes], produced: Iterable[str], shown_as: str = conventions.GENERATED_FOLDER
) -> Snapshot:
    """The same of an output folder that is not on disk: its files by their path below it."""
    return _seen(files.get, map(model_folder, files), produced, shown_as)


def _seen(
    look: Callable[[str], bytes | Obstacle | None],
    subfolders: Iterable[str],
    produced: Iterable[str],
    shown_as: str,
) -> Snapshot:
    """The snapshot of a folder in which `look` finds what is at a path."""
    wanted = {path for path in produced if not refusal(path)}
    folders = {"", *map(model_folder, wanted), *subfolders}
    observed = {inventory_path(name): look(inventory_path(name)) for name in folders}
    inventories: dict[str, Inventory | str] = {}
    for name in sorted(folders):
        content = observed[inventory_path(name)]
        if isinstance(content, bytes):
            inventories[name] = from_bytes(name, content)
    owned = {
        below(name, path)
        for name, inventory in inventories.items()
        if isinstance(inventory, Inventory)
        for path in inventory.paths
    }
    observed |= {path: look(path) for path in wanted | owned}
    return Snapshot(
        contents={path: found for path, found in sorted(observed.items()) if isinstance(found, bytes)},
        obstacles={path: found for path, found in sorted(observed.items()) if isinstance(found, Obstacle)},
        inventories=inventories,
        leftovers=tuple(sorted(_leftovers(look, observed))),
        shown_as=shown_as,
    )


def _subfolders(folder: pathlib.Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def observe(folder: pathlib.Path, path: str) -> bytes | Obstacle | None:
    """The content of a file below a folder, None when there is none, or what is in the way."""
    segments = path.split("/")
    current = folder
    try:
        for count, segment in enumerate(segments, start=1):
            current = current / segment
            mode = current.lstat().st_mode
            is_last = count == len(segments)
            if not (stat.S_ISREG(mode) if is_last else stat.S_ISDIR(mode)):
                return Obstacle(f"`{'/'.join(segments[:count])}` is {_kind(mode)}")
        return current.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Obstacle(f"it cannot be read: {error.strerror}")


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link, which is never followed"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a file, not a folder" if stat.S_ISREG(mode) else "neither a file nor a folder"


def _leftovers(look: Callable[[str], bytes | Obstacle | None], observed: Iterable[str]) -> Iterator[str]:
    for path in observed:
        parent, slash, name = path.rpartition("/")
        leftover = f"{parent}{slash}{partial_name(name)}"
        if isinstance(look(leftover), bytes):
            yield leftover
