"""What a plan starts from where that is not generated/ on disk: a git revision, or another folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli.choosing import Unknown
from aimass_compiler.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aimass_compiler.plan import Snapshot


def starting_point(project: Project, against: str, produced: Iterable[str]) -> Snapshot:
    """What is compared with: a revision, or where git knows none of this name, a folder.

    The folder is a project or its generated/. Raises Unknown where there is neither, and where the list of
    what the compiler wrote there cannot be read, without which deletions would go unseen.
    """
    from aimass_compiler.cluster import git
    from aimass_compiler.plan import snapshot, snapshot_of

    try:
        files = git.files_at(against, project.root, conventions.GENERATED_FOLDER)
        seen = snapshot_of(files, produced)
    except git.GitError as error:
        folder = Path(against)
        if not against or not folder.is_dir():
            raise Unknown(f"{error}, and there is no folder `{against}`", error.help) from None
        inner = folder / conventions.GENERATED_FOLDER
        seen = snapshot((inner if inner.is_dir() else folder).resolve(), produced)
    for name, inventory in seen.inventories.items():
        if isinstance(inventory, str):
            path = f"{conventions.GENERATED_FOLDER}/{name}/{conventions.INVENTORY_FILE}"
            raise Unknown(f"`{path}` of `{against}` cannot be read: {inventory}")
    return replace(seen, obstacles={}, others=())
