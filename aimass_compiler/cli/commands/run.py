"""Train, evaluate, package and test a model here.

Compiles the spec and lets DVC run the stages that are not up to date: prepare, features, train,
evaluate, package and test. Nothing is run twice for the same data and the same part of the spec.
No cluster is needed. A run that was stopped goes on where it was. Rows of a database are fetched first
where there is no snapshot of them yet, or one of another query; `aimass fetch` gets newer ones.

With --set, one run has other values than the spec, which stays as it is: it takes place in a copy of the
project, and is kept under its name as an experiment of DVC. `aimass runs` compares them.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.cli import snapshots, terminal
from aimass_compiler.cli.dvc_repository import ready_for_dvc
from aimass_compiler.cli.prepared_rows import EarlierRows, change_lines
from aimass_compiler.cli.selection import add_root, add_spec, project_of
from aimass_compiler.cli.views.run import StageProgress, results
from aimass_compiler.cli.views.run_progress import progress_below
from aimass_compiler.cli.write import brought_up_to_date
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.programs import dvc
from aimass_compiler.stages import STAGE_NAMES

if TYPE_CHECKING:
    from aimass_compiler.catalog.base_model import BaseError
    from aimass_compiler.delivery.released_package import NotFetched
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.DATA, ExitCode.TRAINING, ExitCode.GATE, ExitCode.SERVICE, ExitCode.DISK)
EXAMPLES = """
  aimass run churn                   all stages that are not up to date
  aimass run churn --until train     prepare, features and train only
  aimass run churn --force           every stage again
  aimass run churn --engine ray      rows by a Ray cluster: RAY_ADDRESS, or all cores of this machine
  aimass run churn --set model.xgboost.subsample=0.6 --name sub06
"""

_EXIT_CODES = {
    dvc.DvcMissing: ExitCode.USAGE,
    dvc.DataMissing: ExitCode.DATA,
    dvc.DiskRefuses: ExitCode.DISK,
}


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_spec(parser)
    parser.add_argument(
        "--until", choices=STAGE_NAMES, metavar="STAGE", help="stop after this stage: %(choices)s"
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="KEY=VALUE",
        help="run with another value of the spec, by its dotted key; repeat it for several",
    )
    parser.add_argument("--name", default="", help="keep the run under this name, beside what is here")
    parser.add_argument("--force", action="store_true", help="run every stage again, up to date or not")
    parser.add_argument(
        "--engine",
        choices=conventions.ENGINES,
        help="what moves the rows of prepare and features: polars here, or the workers of a Ray cluster, "
        f"with the same results (default: ${conventions.ENGINE_VARIABLE}, else local)",
    )
    parser.add_argument(
        "--no-report", action="store_true", help="leave out the report, artifacts/MODEL/report.html"
    )
    parser.add_argument("--verbose", action="store_true", help="show what DVC says, too")
    add_root(parser)


class RunOptions(Struct, frozen=True, kw_only=True):
    """How stages are run."""

    until: str | None = None
    """The last one; all by default."""
    forces: bool = False
    """Whether every stage is run again, up to date or not."""
    is_verbose: bool = False
    has_report: bool = True
    is_kept: bool = False
    """Whether the run is kept under a name, beside what is here."""
    needs_released: bool = False
    """Whether what serves in the last environment is brought, though no gate compares with it."""


def run(arguments: argparse.Namespace) -> int:
    """Compile and run; answers an ExitCode."""
    if arguments.engine is not None:  # to the stages, which are DVC's processes
        os.environ[conventions.ENGINE_VARIABLE] = arguments.engine
    project = project_of(arguments)
    options = RunOptions(
        until=arguments.until,
        forces=arguments.force,
        is_verbose=arguments.verbose,
        has_report=not arguments.no_report,
        is_kept=bool(arguments.set or arguments.name),
    )
    if options.is_kept:
        from aimass_compiler.cli.named_run import run_named

        return run_named(project, arguments, lambda copy, found: run_stages(copy, found, options))
    pipeline = brought_up_to_date(project, arguments.model)
    if pipeline is None:
        return ExitCode.FAILED
    return run_stages(project, pipeline, options)


def run_stages(project: Project, pipeline: Pipeline, options: RunOptions) -> int:
    """Let DVC run them, one run of a model at a time; answers an ExitCode or what a stage exited with."""
    from aimass_compiler.catalog.base_model import BaseError
    from aimass_compiler.delivery import released_package

    if _lacks_framework(project, pipeline, options.until):
        return ExitCode.USAGE
    folder = project.root / conventions.ARTIFACTS_FOLDER / pipeline.path
    earlier = EarlierRows.read(folder)
    stages = StageProgress(
        sys.stdout,
        pipeline.artifact,
        is_verbose=options.is_verbose,
        after={"prepare": lambda: change_lines(folder, pipeline, earlier)},
    )
    try:
        ready_for_dvc(project.root)
        status = _reproduced(project, pipeline, options, stages)
    except snapshots.NotAnswered as failed:
        terminal.error(str(failed), failed.help)
        return failed.exit_code
    except (dvc.DvcFailed, released_package.NotFetched, BaseError) as failed:
        status = dvc_failure(failed)
    if status == ExitCode.DONE and not stages.has_changed:
        print("nothing changed since the last run")
    sys.stdout.write(results(folder, pipeline, stages.reached, status, is_kept=options.is_kept))
    if stages.reached and options.has_report and not options.is_kept:
        _report(project, pipeline)
    return status


def _reproduced(project: Project, pipeline: Pipeline, options: RunOptions, stages: StageProgress) -> int:
    """Bring what the stages read, and have DVC run them, while no other run of the model does."""
    from aimass_compiler.delivery import base_image, released_package
    from aimass_compiler.plan import folder_locked

    def tell() -> None:
        print(f"another run of `{pipeline.path}` goes on; waiting for it", flush=True)

    with folder_locked(project.root / conventions.ARTIFACTS_FOLDER / pipeline.path, tell):
        snapshots.fetch_missing(project, pipeline)
        released_package.bring(project.root, pipeline, always=options.needs_released)
        base_image.bring(project.root, pipeline)
        stage = options.until or ""
        with progress_below(sys.stdout, is_wanted=not options.is_verbose) as stages.stream:
            status = dvc.reproduce(
                project.root, pipeline.path, stages.show, stage=stage, force=options.forces
            )
            stages.end()
    return status


def _report(project: Project, pipeline: Pipeline) -> None:
    """Write what was reached as a page, however the run ended; that it cannot be written is told."""
    from aimass_compiler.cli.pages.report_file import write_report

    try:
        path = write_report(project.root, pipeline)
    except OSError as error:
        terminal.report(f"note: the report could not be written: {error}")
        return
    print(f"the report of all that: {path.relative_to(project.root)}")


def _lacks_framework(project: Project, pipeline: Pipeline, until: str | None) -> bool:
    """Whether `train` has to run and would fail, after hours perhaps, for a library that is missing.

    Where the stages have run before, `train` may be up to date: then this is a note only.
    """
    if until is not None and STAGE_NAMES.index(until) < STAGE_NAMES.index("train"):
        return False
    has_run = (project.generated / pipeline.path / conventions.DVC_LOCK).is_file()
    frameworks = dict.fromkeys(model.trained_by for model in pipeline.model.candidates)
    missing = [each for each in frameworks if each.is_missing]
    for each in missing:
        told = f"{each.module} is not installed, and train fails without it"
        if has_run:
            terminal.report(f"note: {told} if it has to run: {each.how_to_install}")
        else:
            terminal.error(told, each.how_to_install)
    return bool(missing) and not has_run


def dvc_failure(failed: dvc.DvcFailed | NotFetched | BaseError) -> int:
    """Show why no stage could be run; answers the exit code."""
    terminal.error(str(failed), failed.help)
    codes = (code for kind, code in _EXIT_CODES.items() if isinstance(failed, kind))
    return next(codes, ExitCode.FAILED)
