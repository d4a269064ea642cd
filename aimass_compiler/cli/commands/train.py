"""Train a model in the cluster, and bring what that left back.

Copies the files that the model reads to the volume of generated/MODEL/train, or to the object store that
aimass.yaml names (`store`), submits its job, waits for it with what keeps it, and fetches what its stages
`prepare`, `features` and `train` left. Then `evaluate`, `package` and `test` run here, as in `aimass run`, so
that `aimass publish` can go on.

It may be interrupted and run again: the job goes on meanwhile. One that succeeded with the same recipe and
the same files is not run again. The cluster is that of the first environment, with KubeRay or, as
`training.target` says, Kubeflow Trainer, the image of generated/MODEL/image/train.Dockerfile, and a storage
class whose volumes several nodes can write.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.commands.run import EXIT_CODES as RUN_EXIT_CODES
from aimass_compiler.cli.commands.run import dvc_failure
from aimass_compiler.cli.selection import add_root, add_spec, project_of
from aimass_compiler.cli.views.run import StageProgress, results
from aimass_compiler.cli.write import brought_up_to_date
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.stages import REPEAT, STAGE_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from aimass_compiler.kubernetes.training_job import ClusterTraining
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.programs.object_store import Store
    from aimass_compiler.project import Project

EXIT_CODES = (
    *RUN_EXIT_CODES,
    ExitCode.PACKAGE,
    ExitCode.CONFLICT,
    ExitCode.NOT_READY,
    ExitCode.UNREACHABLE,
    ExitCode.LOCKED,
    ExitCode.REFUSED,
)
EXAMPLES = """
  aimass train churn                   submit, wait, fetch; then evaluate, package and test here
  aimass train churn --timeout 6h      wait longer; the job goes on in any case
  aimass train churn --force           again, though it has been trained from the same rows
  aimass train churn --upload          store the recipe and the files, for the steps of a Kubeflow pipeline
  aimass train churn --fetch           fetch what its steps left; then evaluate, package and test here
"""
_FETCHED = STAGE_NAMES[: STAGE_NAMES.index("train") + 1]
_HERE = STAGE_NAMES[len(_FETCHED) :]


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_spec(parser)
    clusters.add_timeout(parser, "4h", "how long to wait for the job, such as 90s, 10m or 1h")
    clusters.add_lock_timeout(parser)
    parser.add_argument("--force", action="store_true", help="train again, whatever was trained before")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--upload", action="store_true", help="only store what a pipeline reads (`store`)")
    choice.add_argument("--fetch", action="store_true", help="start nothing: fetch what a pipeline left")
    parser.add_argument("--verbose", action="store_true", help="show what DVC says, too")
    clusters.add_cluster(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train there, then evaluate, package and test here; answers an ExitCode."""
    from aimass_compiler.delivery import released_package
    from aimass_compiler.kubernetes.failures import ClusterError
    from aimass_compiler.plan import folder_locked
    from aimass_compiler.programs import dvc
    from aimass_compiler.programs.kubectl import KubectlError
    from aimass_compiler.programs.kustomize import KustomizeError
    from aimass_compiler.programs.stored_files import StoreError

    project = project_of(arguments)
    pipeline = brought_up_to_date(project, arguments.model)
    if pipeline is None or not _has_job(pipeline):
        return ExitCode.FAILED
    folder = project.root / conventions.ARTIFACTS_FOLDER / pipeline.path
    try:
        dvc.prepare(project.root)
        with folder_locked(folder, lambda: terminal.report("another run of the model goes on; waiting")):
            released_package.bring(project.root, pipeline)
            wanted = _training(arguments, project, pipeline)
            _chosen(arguments)(arguments, wanted)
            return ExitCode.DONE if arguments.upload else _finish_here(arguments, project, pipeline)
    except ClusterError as error:
        return clusters.report_error(error)
    except StoreError as failure:
        terminal.error(str(failure), failure.help)
        return ExitCode.DATA
    except (KustomizeError, KubectlError) as error:
        terminal.error(str(error), getattr(error, "help", ""))
        return ExitCode.USAGE
    except (dvc.DvcFailed, released_package.NotFetched) as failed:
        return dvc_failure(failed)


def _chosen(arguments: argparse.Namespace) -> Callable[[argparse.Namespace, ClusterTraining], None]:
    if arguments.upload:
        return _upload
    return _fetch if arguments.fetch else _train_there


def _upload(arguments: argparse.Namespace, wanted: ClusterTraining) -> None:
    """Store what the steps of a pipeline read: the recipe and the files. Raises StoreError."""
    del arguments
    store = _store(wanted)
    recipe = f"{conventions.GENERATED_FOLDER}/{wanted.model}/{conventions.PIPELINE_FILE}"
    given = [recipe, *wanted.given]
    size = store.send(wanted.model, "given", wanted.root, given)
    print(f"{', '.join(given)} is in {store.url}: {size:,} bytes were new there")


def _fetch(arguments: argparse.Namespace, wanted: ClusterTraining) -> None:
    """Put what a pipeline left into the project. Raises StoreError."""
    del arguments
    from tempfile import TemporaryDirectory

    from aimass_compiler.kubernetes.cluster_volume import put_in_place

    store = _store(wanted)
    beside = wanted.root / conventions.ARTIFACTS_FOLDER
    beside.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=beside, prefix=".arriving-") as folder:
        terminal.report(f"fetching {', '.join(wanted.results)} from {store.url}")
        store.receive(wanted.model, "results", Path(folder))
        put_in_place(Path(folder), wanted.root, wanted.results)


def _store(wanted: ClusterTraining) -> Store:
    from aimass_compiler.programs.stored_files import StoreError

    if wanted.store is None:
        place = f"`environments.{wanted.environment}` in {conventions.SETTINGS_FILE}"
        raise StoreError(f"{place} has no `store`", "name one there, such as `store: s3://bucket/path`")
    return wanted.store


def _has_job(pipeline: Pipeline) -> bool:
    """Whether there is a job to train with, reported on the terminal."""
    if pipeline.settings.generated.training_job:
        return True
    hint = f"train here with `aimass run {pipeline.name}`, or write `generated: {{training_job: true}}`"
    message = (
        f"there is no training job, as {conventions.SETTINGS_FILE} has `generated: {{training_job: false}}`"
    )
    terminal.error(message, hint)
    return False


def _training(arguments: argparse.Namespace, project: Project, pipeline: Pipeline) -> ClusterTraining:
    """What to train there. Raises DataMissing, and KustomizeError."""
    from aimass_compiler.kubernetes.training_job import ClusterTraining
    from aimass_compiler.programs import dvc, kustomize
    from aimass_compiler.programs.object_store import Store

    name = pipeline.path
    store = next(iter(pipeline.settings.environments.values())).store
    own = f"{conventions.ARTIFACTS_FOLDER}/{name}"
    given = [path for source in pipeline.data.sources.values() for path in source.dependencies()]
    given += pipeline.model.dependencies
    given += [path for transform in pipeline.features for path in transform.dependencies]
    if missing := next((path for path in given if not (project.root / path).exists()), None):
        raise dvc.DataMissing(f"there is no file {missing}", "paths start at the project's root")
    released = f"{own}/{conventions.RELEASED_FOLDER}"
    if (project.root / released).is_dir():
        given.append(released)
    return ClusterTraining(
        model=name,
        environment=next(iter(pipeline.environments)),
        root=project.root,
        objects=kustomize.find().build(project.generated / name / "train"),
        given=sorted(set(given)),
        results=[f"{own}/{stage}" for stage in _FETCHED],
        store=None if store is None else Store(store),
        force=arguments.force,
        timeout=arguments.timeout,
        lock_timeout=arguments.lock_timeout,
    )


def _train_there(arguments: argparse.Namespace, wanted: ClusterTraining) -> None:
    from aimass_compiler.kubernetes.connection import connect
    from aimass_compiler.kubernetes.training_job import train
    from aimass_compiler.programs import kubectl

    program = kubectl.find(arguments.kubeconfig, arguments.context)
    connection = connect(arguments.kubeconfig, arguments.context, terminal.report)
    try:
        train(connection, program, wanted, terminal.report)
    except KeyboardInterrupt:
        terminal.report(f"what was submitted goes on; `aimass train {wanted.model}` waits for it again")
        raise


def _finish_here(arguments: argparse.Namespace, project: Project, pipeline: Pipeline) -> int:
    from aimass_compiler.programs import dvc

    dvc.commit(project.root, pipeline.path, _FETCHED)
    stages = StageProgress(sys.stdout, pipeline.artifact, is_verbose=arguments.verbose)
    stages.reached.update(_FETCHED)
    here = [REPEAT.name, *_HERE] if pipeline.repetition else _HERE
    status = dvc.reproduce(project.root, pipeline.path, stages.show, alone=here)
    folder = project.root / conventions.ARTIFACTS_FOLDER / pipeline.path
    sys.stdout.write(results(folder, pipeline, stages.reached, status))
    return status
