"""Print the manifests of a model in one environment.

Builds generated/MODEL/overlays/ENVIRONMENT with `kustomize` or `kubectl kustomize`, whichever is
there and new enough, so that you see exactly what would be applied: the images are those of
releases/ENVIRONMENT/MODEL. `train` stands for the training job.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_root, model_called, project_of
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.project import Project

_TRAINING = "train"
EXAMPLES = """
  aimass build churn prod                        what production would get
  aimass build churn prod | kubectl diff -f -    against what runs there
  aimass build churn dev --unreleased            to read or scan it before anything is released
  aimass build churn train                       the training job
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    parser.add_argument("environment", metavar="ENVIRONMENT", help="such as prod, or train")
    parser.add_argument(
        "--unreleased",
        action="store_true",
        help="with stand-ins for the images, whether there is a release or not; nothing to be applied",
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print YAML; answers an ExitCode."""
    from aimass_compiler.programs import kustomize
    from aimass_compiler.releases import release_file
    from aimass_compiler.releases.unreleased_manifests import unreleased

    project, environment = project_of(arguments), arguments.environment
    model = model_called(arguments.model, _models(project))
    folder = _folder(project, model, environment)
    is_released = release_file.file_of(project.root, environment, model).is_file()
    if environment != _TRAINING and not (is_released or arguments.unreleased):
        hint = f"`aimass promote {model} --to {environment}`"
        terminal.error(f"{model} has no release in {environment}", hint)
        return ExitCode.FAILED
    try:
        with unreleased(project.generated, model) if arguments.unreleased else nullcontext() as copied:
            built = copied / folder.relative_to(project.generated / model) if copied else folder
            sys.stdout.write(kustomize.find().text(built))
    except kustomize.KustomizeError as error:
        terminal.error(str(error))
        return ExitCode.FAILED
    return ExitCode.DONE


def _models(project: Project) -> list[str]:
    """The models that are compiled."""
    found = (path for where in ("*", "*/*") for path in project.generated.glob(f"{where}/base/"))
    return [path.parent.relative_to(project.generated).as_posix() for path in found]


def _folder(project: Project, model: str, environment: str) -> Path:
    """What is built; raises UnknownName."""
    folders = {
        path.parent.name: path.parent
        for pattern in ("overlays/*/kustomization.yaml", f"{_TRAINING}/kustomization.yaml")
        for path in (project.generated / model).glob(pattern)
    }
    if not (project.generated / model).is_dir():
        hint = did_you_mean(model, _models(project)) or "compile first: `aimass compile`"
        raise UnknownName(f"there is no `{model}` in {conventions.GENERATED_FOLDER}", hint)
    if environment not in folders:
        shown = f"{conventions.GENERATED_FOLDER}/{model}"
        hint = did_you_mean(environment, folders) or "compile first: `aimass compile`"
        raise UnknownName(f"there is no `{environment}` in {shown}", hint)
    return folders[environment]
