"""Record that a packaged model is the one that serves.

Writes releases/MODEL/metrics.json, the version and what it reached, and gives a copy of the package to DVC
as releases/MODEL/package. Commit both notes and `dvc push`. From then on the gate `{metric: …, beats:
released}` asks this package about the rows that each new model is judged on. Only a version that passed its
service test can be released.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import artifacts, conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.choosing import Unknown, add_root, project_of
from aimass_compiler.cli.packages import package_of, signature_of
from aimass_compiler.conventions import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.project import Project

PLACE = 14
EXAMPLES = """
  aimass release churn               after its image was applied to production
  git add releases && git commit     and it is on record
  dvc push                           its package reaches everyone who trains
"""


class _Unfit(Unknown):
    """There is a package, but it must not be released."""

    exit_code = ExitCode.FAILED


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the record; answers an ExitCode."""
    from aimass_compiler.cluster import dvc
    from aimass_compiler.plan import replace_file

    project, model = project_of(arguments), arguments.model
    package = _own_package(project, model)
    record = _record(package, model)
    folder = project.root / conventions.RELEASES_FOLDER / model
    path = folder / conventions.METRICS_FILE
    try:
        dvc.keep(project.root, package, folder / conventions.RELEASED_PACKAGE)
        replace_file(path, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())
    except dvc.DvcFailed as failed:
        terminal.complain(str(failed), failed.help)
        return ExitCode.FAILED
    except OSError as error:
        terminal.complain(f"{project.shown(path)} could not be written: {error.strerror}")
        return ExitCode.DISK
    told = f"version {record['version']} is the one to beat; commit {project.shown(folder)}"
    print(f"wrote {project.shown(path)}: {told}")
    print("`dvc push` shares its package, which the gate `beats: released` asks about new rows")
    return ExitCode.DONE


def _own_package(project: Project, model: str) -> Path:
    """The package that the model's stages left; raises Unknown where there is none."""
    package = package_of(project, model)
    folder = project.root / conventions.ARTIFACTS_FOLDER
    if package != folder / model / artifacts.PACKAGE or package.parents[2] != folder:
        told = f"`{model}` is a folder, but what is released is a model of this project"
        raise Unknown(told, "write the model's name")
    return package


def _record(package: Path, model: str) -> dict[str, Any]:
    """What the package reached; raises _Unfit unless exactly this version passed its test."""
    version = signature_of(package).get("version")
    reached = _read(package.parents[1] / artifacts.REACHED)
    report = _read(package.parents[1] / artifacts.SERVICE_REPORT)
    again = f"run `aimass run {model}` first"
    if version is None or reached.get("version") != version:
        raise _Unfit(f"the package of `{model}` does not tell what version {version} reached", again)
    if report.get("version") != version:
        raise _Unfit(f"version {version} of `{model}` was not tested", again)
    if report.get("passed") is not True:
        told = f"version {version} of `{model}` did not pass its test"
        raise _Unfit(told, f"`aimass run {model}` tests it again and tells what is wrong")
    return reached


def _read(path: Path) -> dict[str, Any]:
    """A result of a stage, or nothing where there is none that can be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
