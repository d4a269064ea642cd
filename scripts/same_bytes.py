"""Compile the specs with several Pythons, places and moods of the system, and compare what comes out.

`make same-bytes` runs it with every Python that is here. Arguments are the versions to compile with instead,
and then none of them may be missing. Each Python gets a virtual environment of its own below build/ with the
compiler and its three dependencies only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "same-bytes"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
LONG = "a folder with spaces, é and a very long name " + "x" * 60


@dataclass(frozen=True)
class Circumstances:
    """Where and how a compile runs."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    umask: int = 0o022
    folder: str = "project"
    is_inside: bool = False
    """Whether it is called from within the project, not with --root."""


CIRCUMSTANCES = (
    Circumstances("as it is"),
    Circumstances("hash seed 1", {"PYTHONHASHSEED": "1"}),
    Circumstances("hash seed 4711", {"PYTHONHASHSEED": "4711"}),
    Circumstances("POSIX locale", {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    Circumstances("Turkish locale", {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}),
    Circumstances("Tokyo, another user", {"TZ": "Asia/Tokyo", "USER": "nobody", "HOME": "/nonexistent"}),
    Circumstances("optimised", options=("-OO",)),
    Circumstances("isolated, warnings are errors", options=("-I", "-W", "error")),
    Circumstances("another folder", folder=LONG),
    Circumstances("from inside", is_inside=True),
    Circumstances("strict umask", umask=0o077),
    Circumstances("loose umask", umask=0o000),
    Circumstances(
        "kubernetes-like variables", {"CHURN_PORT": "tcp://10.0.0.1:80", "COLUMNS": "20", "CI": "true"}
    ),
)


def main() -> int:
    """Compare; 1 where something differs, 2 where a Python is missing."""
    digests: dict[str, list[str]] = {}
    wanted = sys.argv[1:]
    found = list(pythons(wanted or VERSIONS))
    if wanted and len(found) < len(wanted):
        return 2
    for version, python in found:
        for circumstances in CIRCUMSTANCES:
            digest = compiled(python, circumstances)
            digests.setdefault(digest, []).append(f"{version}, {circumstances.name}")
    for digest, names in digests.items():
        print(f"{digest[:16]}  {len(names)} ways to compile: {'; '.join(names)}")
    if not digests:
        return 2
    expected = digest_of(ROOT / "generated")
    if set(digests) != {expected}:
        print(f"generated/ is {expected[:16]}", file=sys.stderr)
        return 1
    print("the same bytes everywhere, and those of generated/")
    return 0


def pythons(versions: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """A virtual environment for each Python that uv finds here; versions that are missing are named."""
    for version in versions:
        found = subprocess.run(
            ["uv", "python", "find", "--no-python-downloads", version],
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode:
            print(f"there is no Python {version} here", file=sys.stderr)
            continue
        folder = BUILD / version
        if not (folder / "bin" / "python").exists():
            subprocess.run(["uv", "venv", "--quiet", "--python", found.stdout.strip(), folder], check=True)
        install = [
            "uv",
            "pip",
            "install",
            "--quiet",
            "--python",
            folder / "bin" / "python",
            "--reinstall-package",
        ]
        subprocess.run([*install, "aimass-compiler", "--no-cache", ROOT], check=True)
        yield version, folder / "bin" / "python"


def compiled(python: Path, circumstances: Circumstances) -> str:
    """The digest of what the specs compile to; file modes are checked on the way."""
    root = BUILD / circumstances.folder
    shutil.rmtree(root, ignore_errors=True)
    (root / "specs").mkdir(parents=True)
    for path in (ROOT / "specs").iterdir():
        shutil.copyfile(path, root / "specs" / path.name)
    if (ROOT / "aimass.yaml").exists():
        shutil.copyfile(ROOT / "aimass.yaml", root / "aimass.yaml")
    where = () if circumstances.is_inside else ("--root", str(root))
    code = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"
    subprocess.run(
        [python, *circumstances.options, "-c", code, "compile", "--no-cache", *where],
        cwd=root / "specs" if circumstances.is_inside else BUILD,
        env={"PATH": os.environ["PATH"], **circumstances.variables},
        umask=circumstances.umask,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    for path in (root / "generated").rglob("*"):
        wanted = (0o777 if path.is_dir() else 0o666) & ~circumstances.umask
        if path.stat().st_mode & 0o777 != wanted:
            raise SystemExit(f"{path} has the mode {path.stat().st_mode:o}")
    return digest_of(root / "generated")


def digest_of(folder: Path) -> str:
    """One number for all files that the compiler wrote in a folder, by their inventories and themselves."""
    told = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "dvc.lock":
            told.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return told.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
