"""A package may be older than the spec: a run since then missed a gate, or there was none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.stages import MAKING_PACKAGES, artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.project import Project


def tell_if_outdated(project: Project, package: Path) -> None:
    """Say what the spec, as it was compiled last, has otherwise; nothing of a folder that is no run's."""
    from aimass_compiler.programs import dvc_files
    from aimass_compiler.stages.result_file import read_result

    results = project.root / conventions.ARTIFACTS_FOLDER
    model, _, below = package.as_posix().removeprefix(f"{results.as_posix()}/").rpartition("/package")
    if not model or f"package{below}" != artifacts.PACKAGE:
        return
    generated = project.generated / model
    try:
        run = dvc_files.recorded_run(generated / conventions.DVC_LOCK)
    except dvc_files.NoRun:
        return
    if key := run.changed_key(read_result(generated / conventions.PIPELINE_FILE), MAKING_PACKAGES):
        terminal.report(
            f"note: this package was made with another `{key}` than the spec has now; "
            f"`aimass run {model}` brings it up to date"
        )
