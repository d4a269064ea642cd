"""Other programs by subprocess: one call with its output as text, and one stage of a model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def call(
    command: Sequence[str],
    *,
    seconds: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    written: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. Raises subprocess.TimeoutExpired, and OSError where it cannot be started.

    `environment` is what it has beside the variables of this process, `written` what it reads.
    What it prints is read as UTF-8, whatever the platform's encoding is, and what is not UTF-8 is replaced.
    """
    return subprocess.run(  # noqa: S603  # a list of arguments, never a shell
        command,
        cwd=folder,
        env=None if environment is None else {**os.environ, **environment},
        capture_output=True,
        input=written,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
    )


def run_stage(word: str, model: str, root: Path) -> int:
    """Run one stage of a model of the project at `root`; answers its exit code.

    By subprocess, because the compiler never imports what runs models.
    """
    command = [sys.executable, "-m", "aimass_compiler.runtime", word, model, "--root", str(root)]
    return subprocess.run(command, check=False).returncode  # noqa: S603  # a list of arguments, never a shell
