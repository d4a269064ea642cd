"""A copy of the compiler's sources, which a test changes, and what its command line answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: Calls the command line again and again in one process, and keeps what it answers; a test may ask for more.
CALLS = """
import contextlib, io, json, sys
from aimass_compiler.cli import main
answers = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        answers.append([main(arguments), out.getvalue(), err.getvalue()])
{more}
print(json.dumps(answers))
"""


def copied(folder: Path) -> Path:
    """The package, copied into a folder."""
    package = folder / "aimass_compiler"
    shutil.copytree(ROOT / "aimass_compiler", package)
    return package


def answers(sources: Path, calls: list[list[str]], more: str = "") -> list[Any]:
    """The exit code, output and errors of each call of these sources, and what more was asked for."""
    environment = os.environ | {"PYTHONPATH": str(sources)}
    command = [sys.executable, "-c", CALLS.format(more=more), json.dumps(calls)]
    done = subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found
