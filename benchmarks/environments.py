"""The environments of what is compared with, apart from this project's own: build/peers/NAME."""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path

_HERE = Path(__file__).parent
_VERSIONS = """
import importlib.metadata, json, sys
names = sys.argv[1:]
found = {found.name.lower(): found.version for found in importlib.metadata.distributions()}
print(json.dumps({name: found[name] for name in names if name in found}))
"""


def interpreter(folder: Path, name: str) -> str:
    """The interpreter of the environment that `requirements/NAME.txt` describes, made when it is missing.

    Where it cannot be filled this says so; what runs in it is then skipped, because it lacks its modules.
    """
    requirements = _HERE / "requirements" / f"{name}.txt"
    python = folder.absolute() / name / "bin" / "python"
    if not python.exists():
        print(f"installing {requirements.name} into {folder / name} ...", flush=True)
        venv.create(folder / name, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        if ended.returncode:
            print(f"{requirements.name} cannot be installed: {ended.stderr.strip().splitlines()[-1]}")
    return str(python)


def versions(python: str, packages: tuple[str, ...]) -> dict[str, str]:
    """The versions that an interpreter has of some packages; those that it lacks are left out."""
    ended = subprocess.run([python, "-c", _VERSIONS, *packages], check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(ended.stdout)
    return found
