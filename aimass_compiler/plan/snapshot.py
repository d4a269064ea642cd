"""What is on disk, as far as a plan needs to know it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.model_path import owner_of, team_of
from aimass_compiler.plan.folder import FOLDER, Obstacle, OutputFolder, differs_in_case
from aimass_compiler.plan.inventory import Inventory, from_bytes
from aimass_compiler.plan.names import below, folders_listed, folders_produced, inventory_path, refusal

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    Look = Callable[[str], bytes | Obstacle | None]


class Snapshot(Struct, frozen=True):
    """The output folder at one moment: only the paths that are produced or owned."""

    contents: Mapping[str, bytes] = field(default_factory=dict)
    obstacles: Mapping[str, Obstacle] = field(default_factory=dict)
    #: By model folder; a text says why there is an inventory that cannot be read.
    inventories: Mapping[str, Inventory | str] = field(default_factory=dict)
    #: What the compiler did not write in the folders of models that are no longer produced.
    others: tuple[str, ...] = ()
    #: What people call the output folder.
    shown_as: str = conventions.GENERATED_FOLDER


def snapshot(
    folder: pathlib.Path,
    produced: Collection[str],
    shown_as: str = conventions.GENERATED_FOLDER,
    *,
    others: bool = True,
    settled: Collection[str] = (),
) -> Snapshot:
    """Read the inventories below a folder, the files they list and those to be produced.

    Nothing is followed: a symbolic link at a path, or above it, is an obstacle. `others` says whether
    models are read, too, of which nothing is produced; those in `settled` never are.
    """
    with OutputFolder(folder) as opened:
        if obstacle := opened.obstacle():
            return Snapshot(obstacles={"": obstacle}, shown_as=shown_as)
        of_teams = folders_produced(produced)
        owned = ((path, owner_of(path, of_teams)) for path in produced)
        models = {folder for path, folder in owned if not refusal(path, folder)}
        if not others:
            return _seen(opened.look, models.difference(settled), produced, shown_as)
        known = models.union(settled)
        listed = _folders(opened, known) - known
        alike = {name for name in listed if name.casefold() in known}
        gone = listed - alike
        seen = _seen(opened.look, (models | {"", *gone}).difference(settled), produced, shown_as)
        owners = sorted(gone & set(seen.inventories))
        there = ((name, path) for name in owners for path in opened.files(name))
        strange = (path for name, path in there if owner_of(path, known | listed) == name)
        taken = {inventory_path(name): differs_in_case(name, name.casefold()) for name in sorted(alike)}
        return replace(
            seen,
            others=tuple(path for path in strange if path not in seen.contents),
            obstacles={**seen.obstacles, **taken},
            inventories={**seen.inventories, **{name: Inventory() for name in alike}},
        )


def _folders(opened: OutputFolder, known: Collection[str]) -> set[str]:
    """The folders of models that are there, those in the folders of teams included."""
    found, teams = set(), {*map(team_of, known)}
    for name, kind in opened.names("").items():
        if kind != FOLDER or name in known:
            continue
        inside = opened.names(name)
        below_it = [f"{name}/{each}" for each, kind in inside.items() if kind == FOLDER]
        is_model = conventions.INVENTORY_FILE in inside
        if name not in teams:
            below_it = [] if is_model else [each for each in below_it if _is_model(opened, each)]
        found |= {*below_it, *([name] if is_model or not below_it else [])}
    return found


def _is_model(opened: OutputFolder, folder: str) -> bool:
    return conventions.INVENTORY_FILE in opened.names(folder)


def snapshot_of(
    files: Mapping[str, bytes], produced: Collection[str], shown_as: str = conventions.GENERATED_FOLDER
) -> Snapshot:
    """The same of an output folder that is not on disk: its files by their path below it."""
    there, made = folders_listed(files), folders_produced(produced)
    models = {"", *(owner_of(path, there) for path in files), *(owner_of(path, made) for path in produced)}
    return _seen(files.get, models, produced, shown_as)


def _seen(look: Look, models: Iterable[str], produced: Collection[str], shown_as: str) -> Snapshot:
    """The snapshot of a folder in which `look` finds what is at a path."""
    wanted: dict[str, list[str]] = {}
    of_teams = folders_produced(produced)
    for path in produced:
        folder = owner_of(path, of_teams)
        if not refusal(path, folder):
            wanted.setdefault(folder, []).append(path)
    contents: dict[str, bytes] = {}
    obstacles: dict[str, Obstacle] = {}
    inventories: dict[str, Inventory | str] = {}
    for model in sorted(models):
        listing = inventory_path(model)
        listed = look(listing)
        paths = set(wanted.get(model, ()))
        if isinstance(listed, bytes):
            found = inventories[model] = from_bytes(model, listed)
            if isinstance(found, Inventory):
                paths |= {below(model, path) for path in found.paths}
        for path in (listing, *sorted(paths)):
            content = listed if path is listing else look(path)
            if isinstance(content, bytes):
                contents[path] = content
            elif content is not None:
                obstacles[path] = content
    return Snapshot(contents, obstacles, inventories, shown_as=shown_as)
