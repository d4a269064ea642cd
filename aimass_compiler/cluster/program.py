"""One call of another program: its output as text, within a time limit."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def call(
    command: Sequence[str], *, seconds: float, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. Raises subprocess.TimeoutExpired, and OSError where it cannot be started.

    What it prints is read as UTF-8, whatever the platform's encoding is, and what is not UTF-8 is replaced.
    """
    return subprocess.run(  # noqa: S603  # a list of arguments, never a shell
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
    )
