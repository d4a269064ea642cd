"""What a plan starts from where that is not generated/ on disk: a git revision, or another folder."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.cli.choosing import Unknown
from aimass_compiler.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aimass_compiler.plan import Snapshot

_SPECS = (conventions.SPECS_FOLDER, conventions.SETTINGS_FILE)


def starting_point(project: Project, against: str, produced: Iterable[str]) -> Snapshot:
    """What is compared with: a revision, or where git knows none of this name, a folder.

    The folder is a project or its generated/. Where a revision keeps no generated files, its specs are
    compiled; nothing of it is ever run. Raises Unknown where there is neither, and where the list of
    what the compiler wrote there cannot be read, without which deletions would go unseen.
    """
    from aimass_compiler.cluster import git
    from aimass_compiler.plan import snapshot, snapshot_of

    try:
        files = _below_generated(git.files_at(against, project.root, [conventions.GENERATED_FOLDER]))
        if not any(path.endswith(f"/{conventions.INVENTORY_FILE}") for path in files):
            files = _compiled(against, git.files_at(against, project.root, _SPECS))
        seen = snapshot_of(files, produced)
    except git.GitError as error:
        folder = Path(against)
        if not against or not folder.is_dir():
            raise Unknown(f"{error}, and there is no folder `{against}`", error.help) from None
        inner = folder / conventions.GENERATED_FOLDER
        seen = snapshot(inner if inner.is_dir() else folder, produced)
    for name, inventory in seen.inventories.items():
        if isinstance(inventory, str):
            path = f"{conventions.GENERATED_FOLDER}/{name}/{conventions.INVENTORY_FILE}"
            raise Unknown(f"`{path}` of `{against}` cannot be read: {inventory}")
    return replace(seen, obstacles={})


def _below_generated(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path.removeprefix(f"{conventions.GENERATED_FOLDER}/"): content for path, content in files.items()}


def _compiled(against: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What the specs of a revision stand for, with what a compile of them would have listed.

    They lie in a folder of their own meanwhile, where no file of the working tree is taken for one of
    theirs. Raises Unknown where they have errors.
    """
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.plan import compare, snapshot_of

    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder).resolve())
        project.specs_folder.mkdir()
        for path, content in files.items():
            name = Path(path).name
            if path in (conventions.SETTINGS_FILE, f"{conventions.SPECS_FOLDER}/{name}"):
                (project.root / path).write_bytes(content)
        found = compile_specs(project, project.specs())
    if has_errors(found.findings):
        first = next(finding for finding in found.findings if finding.is_error)
        raise Unknown(
            f"`{against}` has no generated files, and its specs do not compile: {first.message}",
            "commit generated/ there, or compare with a revision whose specs compile",
        )
    return dict(compare(found.files, snapshot_of({}, found.files)).files)
