"""The package of the model that serves, brought here where a gate holds the new one against it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.cluster import dvc

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline


def bring(root: Path, pipeline: Pipeline) -> None:
    """Fetch the released package unless it is here, or no gate asks for it. Raises DvcFailed.

    What DVC has no note of is left to the stage that needs it, which tells what is wrong.
    """
    folder = root / conventions.RELEASES_FOLDER / pipeline.name
    package = folder / conventions.RELEASED_PACKAGE
    note = package.with_name(package.name + conventions.DVC_NOTE)
    if not any(gate.beats for gate in pipeline.evaluation.gates) or not note.is_file():
        return
    if _version(package / conventions.SIGNATURE_FILE) != _version(folder / conventions.METRICS_FILE):
        dvc.fetch(root, package)


def _version(path: Path) -> Any:
    """The version that a document tells; where there is none, its path, which is like no other."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return path
