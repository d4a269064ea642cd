"""The build context of the serving image: the package, the server's sources, its pins, the Dockerfile."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import aimass_compiler
from aimass_compiler import artifacts, conventions
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.workspace import replacing

if TYPE_CHECKING:
    from aimass_compiler.runtime.workspace import Workspace

#: What the server imports of this distribution, below its package folder.
_SOURCES = ("__init__.py", "conventions.py", "runtime/__init__.py", "runtime/server")
#: What is alike for all models, by its path below the package folder and its name in the context.
_ALIKE = {
    conventions.SERVER_PINS: "requirements.txt",
    "runtime/packaging/dockerignore": ".dockerignore",
}
_APP = "app"
_PACKAGE = Path(aimass_compiler.__file__).parent


def assemble(workspace: Workspace) -> Path:
    """Put everything but the package itself where `docker build` finds it, and answer that folder.

    Sources and pins are those of the installed version: assemble again before each build. A training cluster
    has no rendered image/ and builds none. Raises StageFailure where there is image/ without a Dockerfile.
    """
    folder = workspace.folder(artifacts.CONTEXT)
    _replace_app(folder)
    rendered = workspace.generated / "image"
    if rendered.is_dir():
        _copy(_dockerfile(rendered, workspace), folder / "Dockerfile")
        for path, name in _ALIKE.items():
            _copy(_PACKAGE / path, folder / name)
    return folder


def _dockerfile(rendered: Path, workspace: Workspace) -> Path:
    path = rendered / "Dockerfile"
    if not path.is_file():
        shown = path.relative_to(workspace.root).as_posix()
        raise StageFailure(
            ExitCode.DISK, f"the image cannot be built without {shown}", "`aimass compile` writes it"
        )
    return path


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def _replace_app(folder: Path) -> None:
    fresh, stale = folder / f".{_APP}.new", folder / f".{_APP}.old"
    for leftover in (fresh, stale):
        shutil.rmtree(leftover, ignore_errors=True)
    for name in _SOURCES:
        source, target = _PACKAGE / name, fresh / _PACKAGE.name / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    if (folder / _APP).exists():
        (folder / _APP).rename(stale)
    fresh.rename(folder / _APP)
    shutil.rmtree(stale, ignore_errors=True)
