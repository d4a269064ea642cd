"""Why a release must not be made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class ReleaseFailed(Exception):  # noqa: N818  # the reason, not an error of ours
    """A release must not be made; the message says why."""


def run(
    command: Sequence[str | Path], folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> str:
    """What a program prints. Raises ReleaseFailed, whose message ends with what the program said."""
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-3000:]
        raise ReleaseFailed(f"`{' '.join(map(str, command))}` failed with {done.returncode}:\n{said}")
    return done.stdout
