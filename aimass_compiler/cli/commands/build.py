"""Print the manifests of a model in one environment.

Builds generated/MODEL/overlays/ENVIRONMENT with `kustomize` or `kubectl kustomize`, whichever is
there and new enough, so that you see exactly what would be applied. `train` stands for the training
job.
"""

from __future__ import annotations

import argparse
import sys

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.choosing import Unknown, add_root, project_of
from aimass_compiler.conventions import ExitCode
from aimass_compiler.diagnostics import did_you_mean

PLACE = 11
EXAMPLES = """
  aimass build churn prod                        what production would get
  aimass build churn prod | kubectl diff -f -    against what runs there
  aimass build churn train                       the training job
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    parser.add_argument("environment", metavar="ENVIRONMENT", help="such as prod, or train")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print YAML; answers an ExitCode."""
    from aimass_compiler.cluster import kustomize

    generated = project_of(arguments).generated
    folders = {
        path.parent.name: path.parent
        for pattern in ("overlays/*/kustomization.yaml", "train/kustomization.yaml")
        for path in (generated / arguments.model).glob(pattern)
    }
    if not (generated / arguments.model).is_dir():
        models = [path.name for path in generated.glob("*/")]
        hint = did_you_mean(arguments.model, models) or "compile first: `aimass compile`"
        raise Unknown(f"there is no `{arguments.model}` in {conventions.GENERATED_FOLDER}", hint)
    if arguments.environment not in folders:
        shown = f"{conventions.GENERATED_FOLDER}/{arguments.model}"
        hint = did_you_mean(arguments.environment, folders) or "compile first: `aimass compile`"
        raise Unknown(f"there is no `{arguments.environment}` in {shown}", hint)
    try:
        sys.stdout.write(kustomize.find().text(folders[arguments.environment]))
    except kustomize.KustomizeError as error:
        terminal.complain(str(error))
        return ExitCode.FAILED
    return ExitCode.DONE
