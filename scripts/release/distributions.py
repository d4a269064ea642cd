"""Wheel and sdist of a commit: the same bytes wherever they are built."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from subprocess import run as _run

from scripts.release.failure import ReleaseFailed, run
from scripts.release.version import ROOT


def build(into: Path, root: Path = ROOT) -> list[Path]:
    """The wheel and the sdist of HEAD, in `into`.

    They are built two times, from exports in different folders and under different umasks, and the wheel a
    third time, from the sdist. Raises ReleaseFailed where the bytes differ.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        once = build_once(folder / "one", root)
        again = build_once(folder / "another folder", root, umask=0o077)
        _refuse_differences(once, again, "in another folder")
        sdist = next(path for name, path in once.items() if name.endswith(".tar.gz"))
        from_sdist = _built(
            _unpacked(sdist, folder / "sdist"), folder / "from sdist", epoch(root), "--target=wheel"
        )
        _refuse_differences({name: once[name] for name in from_sdist}, from_sdist, "from the sdist")
        into.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copy(path, into)) for _, path in sorted(once.items())]


def build_once(folder: Path, root: Path, umask: int = 0o022) -> dict[str, Path]:
    """The wheel and the sdist of HEAD by name, built in a new folder."""
    return _built(export(root, folder / "sources", umask), folder / "dist", epoch(root))


def wheel_in(folder: Path) -> Path:
    """The one wheel of a folder. Raises ReleaseFailed for none, or several."""
    found = sorted(folder.glob("*.whl"))
    if len(found) != 1:
        raise ReleaseFailed(f"{folder} has {len(found)} wheels, not one: `python -m scripts.release build`")
    return found[0].resolve()


def digest_of(path: Path) -> str:
    """A file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def extras() -> dict[str, list[str]]:
    """The extras of the package, with what each brings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, list[str]] = project["optional-dependencies"]
    return found


def epoch(root: Path) -> str:
    """When HEAD was committed, as SOURCE_DATE_EPOCH has it."""
    return run(["git", "log", "-1", "--format=%ct", "HEAD"], root).strip()


def export(root: Path, folder: Path, umask: int = 0o022) -> Path:
    """The files of HEAD and no others, with the modes that a umask leaves; answers the folder."""
    packed = _run(["git", "archive", "HEAD"], cwd=root, capture_output=True, check=True).stdout
    before = os.umask(umask)
    try:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            for member in archive:
                member.mode &= ~umask
            archive.extractall(folder, filter="data")
    finally:
        os.umask(before)
    return folder


def _unpacked(sdist: Path, folder: Path) -> Path:
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


def _built(sources: Path, into: Path, time: str, *targets: str) -> dict[str, Path]:
    """What hatchling makes of a folder, by name."""
    variables = {"SOURCE_DATE_EPOCH": time}
    run([sys.executable, "-m", "hatchling", "build", "--directory", into, *targets], sources, variables)
    return {path.name: path for path in into.iterdir()}


def _refuse_differences(once: Mapping[str, Path], again: Mapping[str, Path], where: str) -> None:
    if once.keys() != again.keys():
        raise ReleaseFailed(f"{where}, {sorted(again)} were built and not {sorted(once)}")
    differing = [name for name, path in once.items() if digest_of(path) != digest_of(again[name])]
    if differing:
        raise ReleaseFailed(f"built {where}, {', '.join(differing)} has other bytes")
