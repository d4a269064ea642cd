"""The environment of the servers that are compared with: build/peers, apart from this project's own."""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path

_REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
_VERSIONS = """
import importlib.metadata, json, sys
names = sys.argv[1:]
found = {found.name.lower(): found.version for found in importlib.metadata.distributions()}
print(json.dumps({name: found[name] for name in names if name in found}))
"""


def interpreter(folder: Path) -> str:
    """The interpreter of the environment, which is made when it is missing.

    Where it cannot be filled this says so; its servers are then skipped, because they lack their modules.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing {_REQUIREMENTS.name} into {folder} ...", flush=True)
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "-r", str(_REQUIREMENTS)]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        if ended.returncode:
            print(f"the servers to compare with cannot be installed: {ended.stderr.strip().splitlines()[-1]}")
    return str(python)


def versions(python: str, packages: tuple[str, ...]) -> dict[str, str]:
    """The versions that an interpreter has of some packages; those that it lacks are left out."""
    ended = subprocess.run([python, "-c", _VERSIONS, *packages], check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(ended.stdout)
    return found
