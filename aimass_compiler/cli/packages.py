"""Where the package of a model lies, and what to say when there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aimass_compiler import artifacts, conventions
from aimass_compiler.cli.choosing import Unknown
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.project import Project


def package_of(project: Project, name: str) -> Path:
    """The package folder of a model, or the folder itself when a path was given.

    Raises Unknown when nothing was packaged there.
    """
    given = Path(name)
    if (given / conventions.SIGNATURE_FILE).is_file():
        return given
    package = project.root / conventions.ARTIFACTS_FOLDER / name / artifacts.PACKAGE
    if (package / conventions.SIGNATURE_FILE).is_file():
        return package
    models = {path.stem for path in project.specs()}
    if name in models:
        raise _no_package(project, name)
    raise Unknown(f"there is no model `{name}`", did_you_mean(name, models))


def signature_of(package: Path) -> dict[str, Any]:
    """The contract of a package. Raises Unknown when it is damaged."""
    path = package / conventions.SIGNATURE_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unknown(f"{path} cannot be read: {error}", "package the model again: `aimass run`") from None
    if not isinstance(document, dict) or document.get("format") != conventions.PACKAGE_FORMAT:
        raise Unknown(f"{path} is no contract of this version", "package the model again: `aimass run`")
    return document


def _no_package(project: Project, name: str) -> Unknown:
    """In a clone of a model that was run, the package need not be made again."""
    lock = f"{conventions.GENERATED_FOLDER}/{name}/{conventions.DVC_LOCK}"
    if not (project.root / lock).exists():
        return Unknown(f"`{name}` has no package yet", f"`aimass run {name}` makes one")
    way = f"`dvc pull` gets the one that {lock} has on record, `aimass run {name}` makes one"
    return Unknown(f"the package of `{name}` is not here", way)
