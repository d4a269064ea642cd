"""A training job in the cluster: submitted once for a recipe and its rows, awaited, and its results fetched.

A job is named by its recipe and notes which rows it was given. So a run that was interrupted is run again:
the job that goes on is waited for, one that succeeded is not run again, and one that failed is.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.cluster_volume import ClusterVolume, opened, put_in_place
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.failures import Changed, ClusterError
from aimass_compiler.kubernetes.lease import ModelLockedError, leased
from aimass_compiler.kubernetes.objects import Object, in_ranks, key_of
from aimass_compiler.kubernetes.operator_jobs import OperatorJobs
from aimass_compiler.kubernetes.prune import wait_until_gone, wait_until_no_pods
from aimass_compiler.kubernetes.queue import why_it_waits
from aimass_compiler.kubernetes.ray_jobs import RAY_JOBS
from aimass_compiler.kubernetes.readiness import NotReady, wait_for
from aimass_compiler.kubernetes.train_jobs import TRAIN_JOBS
from aimass_compiler.kubernetes.transport import Report
from aimass_compiler.model_path import name_of
from aimass_compiler.programs.kubectl import Kubectl
from aimass_compiler.programs.object_store import Store
from aimass_compiler.render.object_kind import WorkloadState, at

_LONGEST_PAUSE = 3.0
#: For the pod through which files are copied, and for what must be gone.
_COPY_SECONDS = 600.0
#: By the kind of their job.
OPERATORS_JOBS = {each.kind.kind: each for each in (RAY_JOBS, TRAIN_JOBS)}


class TrainingFailed(ClusterError):  # noqa: N818  # it reads as what is the case
    """The job failed; its exit code is that of the stage that did."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message, "change what it names, and train again")
        self.exit_code = code


@dataclass(frozen=True)
class ClusterTraining:
    """What is to be trained where."""

    model: str
    environment: str
    root: Path
    """The project's folder."""
    objects: Sequence[Object]
    """What `train/` of the model stands for."""
    given: Sequence[str]
    """The files and folders of the project that the job reads, by their paths."""
    results: Sequence[str]
    """The folders that it leaves, by their paths in the project."""
    store: Store | None = None
    """The object store that the job gets its files from, where none are copied through a pod."""
    force: bool = False
    """Whether a job that succeeded is run again."""
    timeout: float = 3600.0
    lock_timeout: float = 600.0

    @property
    def job(self) -> Object:
        """The job that trains once."""
        (found,) = (each for each in self.objects if each["kind"] in OPERATORS_JOBS)
        return found

    @property
    def jobs(self) -> OperatorJobs:
        """How such jobs are read back."""
        return OPERATORS_JOBS[self.job["kind"]]

    @property
    def template(self) -> Object:
        """The pod that runs the stages, with its volumes."""
        return self.jobs.template(self.job, self.objects)

    @property
    def shown(self) -> str:
        """What people call the job."""
        return f"{self.job['kind']} {self.job['metadata']['name']}"

    @property
    def namespace(self) -> str:
        return str(self.job["metadata"]["namespace"])


def train(connection: Connection, kubectl: Kubectl, wanted: ClusterTraining, report: Report) -> None:
    """Have a model trained in the cluster, and put what that left into the project. Raises ClusterError."""
    place = f"{wanted.environment}-train"
    lock = leased(
        connection,
        wanted.namespace,
        wanted.model,
        place,
        timeout=wanted.lock_timeout,
        report=report,
    )
    with lock as lease:
        key = key_of(wanted.job)
        rows = digest_of(wanted.root, wanted.given)
        if not _goes_on(connection, wanted, rows, report):
            _clear(connection, wanted, report)
            _submit(connection, kubectl, wanted, rows, lease.check, report)
        deadline = time.monotonic() + wanted.timeout
        try:
            wait_for(
                connection,
                key,
                partial(_state, connection, wanted),
                lease.check,
                deadline=deadline,
                report=report,
                longest_pause=_LONGEST_PAUSE,
            )
        except NotReady:
            _require_no_failure(connection, wanted, connection.get(key))
            raise
        _fetch(connection, kubectl, wanted, lease.check, report)


def digest_of(root: Path, paths: Sequence[str]) -> str:
    """A short name of what files, and all files of folders, hold."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        start = (root / path).resolve()
        for file in sorted(start.rglob("*")) if start.is_dir() else [start]:
            if file.is_file():
                with file.open("rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
                name = file.relative_to(start).as_posix()
                whole.update(f"{path}\0{name}\0{content}\n".encode())
    return whole.hexdigest()[:16]


def _goes_on(connection: Connection, wanted: ClusterTraining, rows: str, report: Report) -> bool:
    """Whether there is such a job for these rows, which runs or has succeeded."""
    live = connection.get(key_of(wanted.job))
    if live is None or (live["metadata"].get("annotations") or {}).get(conventions.ANNOTATION_DATA) != rows:
        return False
    state = wanted.jobs.state(live)
    if state.has_failed or (state.is_ready and wanted.force):
        return False
    report(f"{wanted.shown} {'has trained it already' if state.is_ready else 'goes on; waiting for it'}")
    return True


def _clear(connection: Connection, wanted: ClusterTraining, report: Report) -> None:
    """Remove earlier jobs of the model, for two in one volume would spoil each other's results.

    Raises ModelLockedError while the clock's job runs.
    """
    labels, kind = {conventions.LABEL_MODEL: name_of(wanted.model)}, wanted.jobs.kind
    leaving = []
    for live in connection.list(kind.group, kind.kind, wanted.namespace, labels):
        shown, has_ended = f"{kind.kind} {live['metadata']['name']}", wanted.jobs.has_ended(live)
        if conventions.ANNOTATION_DATA in (live["metadata"].get("annotations") or {}):
            report(f"{shown} of an earlier recipe or run is removed")
            connection.delete(live)
            leaving.append(live)
        elif not has_ended:
            raise ModelLockedError(f"{shown} trains in the same volume now", "wait until it has ended")
    deadline = time.monotonic() + _COPY_SECONDS
    wait_until_gone(connection, leaving, deadline)
    for each in leaving:
        if own := kind.finds_pods(each) if kind.finds_pods else None:
            wait_until_no_pods(connection, wanted.namespace, own, deadline)


def _submit(
    connection: Connection,
    kubectl: Kubectl,
    wanted: ClusterTraining,
    rows: str,
    check: Callable[[], None],
    report: Report,
) -> None:
    """Fill the volume, then apply the job, which begins at once."""
    *before, job = (each for group in in_ranks(_needed(wanted)) for each in group)
    for document in before:
        if document.get("immutable"):  # it is named by what it holds
            _created(connection, document)
        else:
            _require_its_storage_class(connection, document)
            connection.apply(document)
    if wanted.store is not None:
        size = wanted.store.send(wanted.model, "given", wanted.root, wanted.given)
        report(f"{', '.join(wanted.given)} is in {wanted.store.url}: {size:,} bytes were new there")
    elif wanted.given:
        report(f"copying {', '.join(wanted.given)} to the volume")
        with _opened(connection, kubectl, wanted, check, report) as workspace:
            workspace.send(wanted.root, wanted.given)
    check()
    metadata = dict(job["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), conventions.ANNOTATION_DATA: rows}
    connection.apply({**job, "metadata": metadata})
    report(f"{wanted.shown} is submitted")


def _opened(
    connection: Connection,
    kubectl: Kubectl,
    wanted: ClusterTraining,
    check: Callable[[], None],
    report: Report,
) -> AbstractContextManager[ClusterVolume]:
    where = (wanted.template, wanted.namespace)
    return opened(connection, kubectl, *where, check, timeout=_COPY_SECONDS, report=report)


def _require_its_storage_class(connection: Connection, document: Object) -> None:
    """Raises ClusterError for a volume that exists in another class, which no claim can change."""
    wanted = at(document, "spec", "storageClassName")
    live = None if wanted is None else connection.get(key_of(document))
    there = at(live or {}, "spec", "storageClassName")
    if live is not None and there != wanted:
        name, namespace = live["metadata"]["name"], live["metadata"]["namespace"]
        message = f"the volume {name} has the storage class {there}, and cannot get {wanted}"
        command = f"kubectl delete persistentvolumeclaim {name} --namespace {namespace}"
        raise ClusterError(message, f"once nothing in it is needed: `{command}`, then train again")


def _created(connection: Connection, document: Object) -> None:
    with suppress(Changed):  # it is there
        connection.create(document)


def _needed(wanted: ClusterTraining) -> Iterator[Object]:
    """The job, and what its pods name; not what repeats it by the clock, which is applied by a person."""
    pod = wanted.template["spec"]
    names = {(wanted.job["kind"], wanted.job["metadata"]["name"]), *wanted.jobs.beside(wanted.job)}
    own = conventions.TRAINING_ACCOUNT.format(model=name_of(wanted.model))
    names |= {(kind, own) for kind in ("ServiceAccount", "NetworkPolicy")}
    for volume in pod["volumes"]:
        if "persistentVolumeClaim" in volume:
            names.add(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
        if "configMap" in volume:
            names.add(("ConfigMap", volume["configMap"]["name"]))
    return (each for each in wanted.objects if (each["kind"], each["metadata"]["name"]) in names)


def _state(connection: Connection, wanted: ClusterTraining, live: Object) -> WorkloadState:
    """How far the job is, also by what it says itself, and what its queue says of it."""
    found, has_ended = wanted.jobs.state(live), wanted.jobs.has_ended(live)
    if waits := why_it_waits(connection, live):
        return replace(found, message=waits)
    noted = wanted.store.noted(wanted.model) if wanted.store and not has_ended else ""
    return replace(found, message=f"{found.message}; {noted}") if noted else found


def _require_no_failure(connection: Connection, wanted: ClusterTraining, live: Object | None) -> None:
    """Raises TrainingFailed where the job has failed, with what its last lines say."""
    if live is None or not wanted.jobs.state(live).has_failed:
        return
    failure = wanted.jobs.failure(connection, live)
    raise TrainingFailed(f"{wanted.shown} failed ({failure.reason}): {failure.message}", failure.code)


def _fetch(
    connection: Connection,
    kubectl: Kubectl,
    wanted: ClusterTraining,
    check: Callable[[], None],
    report: Report,
) -> None:
    beside = wanted.root / conventions.ARTIFACTS_FOLDER
    beside.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=beside, prefix=".arriving-") as folder:
        if wanted.store is not None:
            report(f"fetching {', '.join(wanted.results)} from {wanted.store.url}")
            wanted.store.receive(wanted.model, "results", Path(folder))
        else:
            report(f"fetching {', '.join(wanted.results)} from the volume")
            with _opened(connection, kubectl, wanted, check, report) as workspace:
                workspace.receive(wanted.results, Path(folder))
        put_in_place(Path(folder), wanted.root, wanted.results)
