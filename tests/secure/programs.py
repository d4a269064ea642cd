"""Where the scanners are: what `make secure` installed, what is on the PATH, and what the tests came with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from functools import cache
from pathlib import Path
from unittest import mock

from aimass_compiler.programs.kustomize import Kustomize, KustomizeError, find
from scripts.cluster.programs import cache as assets

_INSTALLED = Path(__file__).parents[2] / "build" / "secure"
_FOLDERS = (
    str(_INSTALLED / "secrets" / "bin"),  # before checkov's own variant of it
    str(_INSTALLED / "bin"),
    str(_INSTALLED / "venv" / "bin"),
    sysconfig.get_path("scripts"),
    str(Path.home() / "go" / "bin"),
    str(assets()),  # what the control plane of the tests is built into
)


def kustomize() -> Kustomize | str:
    """What builds manifests, or why there is nothing that does."""
    with mock.patch.dict(os.environ, PATH=_path()):
        try:
            return find()
        except KustomizeError as error:
            return str(error)


@cache
def program(name: str) -> Path | None:
    """The program of this name, or None where there is none."""
    found = shutil.which(name, path=_path())
    return Path(found) if found else None


def missing(name: str) -> str:
    """Why a test is skipped where a program is not there."""
    return f"{name} is not here; `make secure` installs it"


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A scanner with its answer; the scanners find each other, as actionlint does shellcheck."""
    found = program(name)
    assert found is not None, missing(name)
    path = {**os.environ, "PATH": _path()}
    return subprocess.run([found, *arguments], capture_output=True, text=True, check=False, env=path)


def _path() -> str:
    return os.pathsep.join((*_FOLDERS, os.environ.get("PATH", "")))
