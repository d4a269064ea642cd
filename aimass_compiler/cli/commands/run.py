"""Train, evaluate, package and test a model here.

Compiles the spec and lets DVC run the stages that are not up to date: prepare, features, train,
evaluate, package and test. Nothing is run twice for the same data and the same part of the spec.
No cluster is needed. A run that was stopped goes on where it was.

Images are named by the package that dvc.lock records, so the manifests follow a run that made another one:
commit both. With --locked nothing follows, and a run fails that makes another package than the recorded one.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.bringing import brought_up_to_date, image_follows
from aimass_compiler.cli.choosing import add_root, project_of
from aimass_compiler.cli.views import progress, results
from aimass_compiler.cluster import dvc, release
from aimass_compiler.conventions import ExitCode
from aimass_compiler.stages import STAGE_NAMES

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.project import Project

PLACE = 7
EXAMPLES = """
  aimass run churn                   all stages that are not up to date
  aimass run churn --until train     prepare, features and train only
  aimass run churn --force           every stage again
  aimass run churn --locked          in CI: exactly the package that dvc.lock records, where it records one
"""

_EXIT_CODES = {
    dvc.DvcMissing: ExitCode.USAGE,
    dvc.DataMissing: ExitCode.DATA,
    dvc.DiskRefuses: ExitCode.DISK,
}


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the name of the model, or the path of its spec")
    parser.add_argument(
        "--until", choices=STAGE_NAMES, metavar="STAGE", help="stop after this stage: %(choices)s"
    )
    parser.add_argument("--force", action="store_true", help="run every stage again, up to date or not")
    parser.add_argument(
        "--locked", action="store_true", help="fail where the package is another one than dvc.lock records"
    )
    parser.add_argument("--verbose", action="store_true", help="show what DVC says, too")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile and run; answers an ExitCode."""
    from aimass_compiler.recorded_package import recorded_package

    project = project_of(arguments)
    pipeline = brought_up_to_date(project, arguments.model)
    if pipeline is None:
        return ExitCode.FAILED
    status = _run_stages(project, pipeline, arguments)
    if recorded_package(project.generated, pipeline.name) == pipeline.packaged:
        return status
    if not arguments.locked:
        image_follows(project, pipeline.name)
        return status
    return status or _held_to_lock(pipeline)


def _held_to_lock(pipeline: Pipeline) -> int:
    """A package that is not the recorded one is another model than the one that was judged."""
    if not pipeline.packaged:
        return ExitCode.DONE
    lock = f"{conventions.GENERATED_FOLDER}/{pipeline.name}/{conventions.DVC_LOCK}"
    terminal.complain(
        f"this run made another package than `{lock}` records",
        "`dvc push` where that one was made lets CI get it; where CI trains, leave dvc.lock out of git",
    )
    return ExitCode.STALE


def _run_stages(project: Project, pipeline: Pipeline, arguments: argparse.Namespace) -> int:
    """Let DVC run them, one run of a model at a time; answers an ExitCode or what a stage exited with."""
    from aimass_compiler.plan import locked

    folder = project.root / conventions.ARTIFACTS_FOLDER / pipeline.name
    stages = progress.Stages(sys.stdout, is_verbose=arguments.verbose)
    try:
        if made := dvc.prepare(project.root):
            done = "made this project a DVC repository" if ".dvc" in made else "had git leave out results"
            print(f"{done}: commit {' and '.join(made)}")
        with locked(
            folder, lambda: print(f"another run of `{pipeline.name}` goes on; waiting for it", flush=True)
        ):
            release.bring(project.root, pipeline)
            status = dvc.reproduce(
                project.root, pipeline.name, stages.tell, stage=arguments.until or "", force=arguments.force
            )
    except dvc.DvcFailed as failed:
        terminal.complain(str(failed), failed.help)
        status = _EXIT_CODES.get(type(failed), ExitCode.FAILED)
    if status == ExitCode.DONE and not stages.has_changed:
        print("nothing changed since the last run")
    sys.stdout.write(results.drawn(folder, pipeline, stages.reached, status))
    return status
