"""The build context of the serving image: the package, the server's sources, its pins, the Dockerfile."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import aimass_compiler
from aimass_compiler import artifacts
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.workspace import replacing

if TYPE_CHECKING:
    from aimass_compiler.runtime.workspace import Workspace

#: What the server imports of this distribution, below its package folder.
_SOURCES = ("__init__.py", "conventions.py", "runtime/__init__.py", "runtime/server")
_RENDERED = ("Dockerfile", ".dockerignore", "requirements.txt")
_APP = "app"


def assemble(workspace: Workspace) -> Path:
    """Put everything but the package itself where `docker build` finds it, and answer that folder.

    The sources are those of the installed version: assemble again before each build. A training cluster has
    no rendered image/ and builds none. Raises StageFailure where a part of image/ is missing.
    """
    folder = workspace.folder(artifacts.CONTEXT)
    _replace_app(folder)
    rendered = workspace.generated / "image"
    if rendered.is_dir():
        for name in _RENDERED:
            _copy(rendered / name, folder / name, workspace)
    return folder


def _copy(source: Path, target: Path, workspace: Workspace) -> None:
    if not source.is_file():
        shown = source.relative_to(workspace.root).as_posix()
        raise StageFailure(
            ExitCode.DISK, f"the image cannot be built without {shown}", "`aimass compile` writes it"
        )
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def _replace_app(folder: Path) -> None:
    package = Path(aimass_compiler.__file__).parent
    fresh, stale = folder / f".{_APP}.new", folder / f".{_APP}.old"
    for leftover in (fresh, stale):
        shutil.rmtree(leftover, ignore_errors=True)
    for name in _SOURCES:
        source, target = package / name, fresh / package.name / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    if (folder / _APP).exists():
        (folder / _APP).rename(stale)
    fresh.rename(folder / _APP)
    shutil.rmtree(stale, ignore_errors=True)
