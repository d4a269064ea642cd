"""A project with the shipped specs whose models are trained, tested and packaged."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from benchmarks.images.store import run

ROOT = Path(__file__).parents[2]
MODELS = tuple(sorted(path.stem for path in (ROOT / "specs").glob("*.yaml")))


def prepare(folder: Path, models: tuple[str, ...]) -> None:
    """Bring the packages of these models up to date; raises BuildFailed when a stage fails."""
    shutil.copytree(ROOT / "specs", folder / "specs", dirs_exist_ok=True)
    run(
        [sys.executable, str(ROOT / "data" / "prepare.py"), "--folder", str(folder / "data")],
        dict(os.environ),
    )
    aimass(folder, "compile")
    for model in models:
        print(f"{model}: run what is not up to date", flush=True)
        aimass(folder, "run", model)


def aimass(folder: Path, *arguments: str, variables: dict[str, str] | None = None) -> str:
    """What a command answers in the project; raises BuildFailed."""
    program = str(Path(sys.executable).with_name("aimass"))
    return run([program, *arguments, "--root", str(folder)], variables or dict(os.environ))
