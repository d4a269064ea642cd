"""DVC by subprocess: run the stages of a model that are not up to date."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from aimass_compiler import conventions

#: What DVC says when a stage's command ends badly (dvc.stage.exceptions.StageCmdFailedError).
_EXITED = re.compile(r"exited with (\d+)")
_FAILED = 1


class DvcMissing(Exception):  # noqa: N818  # it reads as what is the case
    """DVC is not installed; the message says how to install it."""


def prepare(root: Path) -> bool:
    """Make a project a DVC repository where it is none; answers whether that was done.

    Raises DvcMissing.
    """
    if (root / ".dvc").is_dir():
        return False
    tracked = [] if (root / ".git").exists() else ["--no-scm"]
    done = _run(["init", "--quiet", *tracked], root, lambda line: None)  # noqa: ARG005  # it tells nothing new
    if done != 0:
        raise DvcMissing(f"`dvc init` failed in {root}; run it there to see why")
    return True


def reproduce(
    root: Path, model: str, tell: Callable[[str], None], *, stage: str = "", force: bool = False
) -> int:
    """Run the stages of a model up to `stage`, or all; answers 0 or the exit code of the stage that failed.

    `tell` gets every line of the stages and of DVC itself. Raises DvcMissing.
    """
    target = f"{conventions.GENERATED_FOLDER}/{model}/{conventions.DVC_FILE}"
    exited: list[int] = []

    def watch(line: str) -> None:
        if line.startswith("ERROR") and (found := _EXITED.search(line)):
            exited.append(int(found[1]))
        tell(line)

    options = ["--force"] if force else []
    status = _run(["repro", *options, f"{target}:{stage}" if stage else target], root, watch)
    return status if status == 0 else (exited or [_FAILED])[-1]


def _run(arguments: list[str], root: Path, tell: Callable[[str], None]) -> int:
    """Run DVC and pass on each line as it comes; an interrupt reaches the stage, too, and is waited for."""
    command = [sys.executable, "-m", "dvc", *arguments]
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "DVC_NO_ANALYTICS": "1",
    }
    with subprocess.Popen(  # noqa: S603  # a list of arguments, never a shell
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        try:
            for line in process.stdout:
                if "No module named dvc" in line:
                    raise DvcMissing("DVC is not installed; `pip install 'aimass-compiler[run]'` brings it")
                tell(line.rstrip("\n"))
        except KeyboardInterrupt:
            # The terminal interrupts the stage, too; without this, only a quarter of a second is waited for it.
            process.communicate()
            raise
        return process.wait()
