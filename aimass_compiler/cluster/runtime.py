"""What runs models, by subprocess: the compiler never imports it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(word: str, model: str, root: Path) -> int:
    """Let the runtime do one thing for a model of the project at `root`; answers its exit code."""
    command = [sys.executable, "-m", "aimass_compiler.runtime", word, model, "--root", str(root)]
    return subprocess.run(command, check=False).returncode  # noqa: S603  # a list of arguments, never a shell
