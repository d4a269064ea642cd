"""Training jobs of Kubeflow Trainer, read back: conditions, what a run tells, and how its pods ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.objects import Object
from aimass_compiler.kubernetes.operator_jobs import JobFailure, OperatorJobs
from aimass_compiler.render.object_kind import WorkloadState, at
from aimass_compiler.render.training.kubeflow import TRAIN_JOB, TRAINING_RUNTIME

_COMPLETE, _FAILED, _SUSPENDED = "Complete", "Failed", "Suspended"
_MINUTES = 120
#: By which a Job says which of its pods is the first.
_INDEX = "batch.kubernetes.io/job-completion-index"


def job_state(live: Object) -> WorkloadState:
    """How far a TrainJob is, by what Trainer writes into its status."""
    for name in (_COMPLETE, _FAILED):
        if found := _true(live, name):
            message = str(found.get("message") or "").strip()
            return WorkloadState(message, is_ready=name == _COMPLETE, has_failed=name == _FAILED)
    if _true(live, _SUSPENDED):
        return WorkloadState("it is suspended, as while it waits in its queue")
    jobs = at(live, "status", "jobsStatus") or ()
    if not jobs:
        return WorkloadState("Trainer has not begun with it")
    begun = "it runs" if any(each.get("ready") for each in jobs) else "its nodes start"
    return WorkloadState(", ".join([begun, *_told(at(live, "status", "trainerStatus") or {})]))


def _true(live: Object, name: str) -> Mapping[str, Any] | None:
    conditions = at(live, "status", "conditions") or ()
    return next((each for each in conditions if each["type"] == name and each["status"] == "True"), None)


def _told(status: Mapping[str, Any]) -> Iterator[str]:
    """What the run itself tells."""
    if (percent := status.get("progressPercentage")) is not None:
        yield f"{percent} % done"
    if seconds := status.get("estimatedRemainingSeconds"):
        yield f"about {seconds / 60:.0f} min left" if seconds >= _MINUTES else f"about {seconds} s left"
    yield from (f"{each['name']} {each['value']}" for each in status.get("metrics") or ())


def _has_ended(live: Object) -> bool:
    return any(_true(live, name) for name in (_COMPLETE, _FAILED))


def _failure(connection: Connection, live: Object) -> JobFailure:
    """With the exit code and the last lines of the pod that failed, as long as there is one."""
    found = _true(live, _FAILED) or {}
    reason, message = str(found.get("reason") or "it does not say why"), str(found.get("message") or "")
    metadata = live["metadata"]
    pods = connection.list("", "Pod", metadata["namespace"], {**(_labels(live) or {})})
    ended = sorted((each for pod in pods for each in _ends(pod)), key=lambda each: each[:2])
    if not ended:
        return JobFailure(reason, message)
    *_, last = ended[-1]
    said = str(last.get("message") or "").strip()
    return JobFailure(reason, said or message, int(last["exitCode"]))


def _labels(live: Object) -> Mapping[str, str] | None:
    return None if TRAIN_JOB.finds_pods is None else TRAIN_JOB.finds_pods(live)


def _ends(pod: Object) -> Iterator[tuple[bool, str, Mapping[str, Any]]]:
    """How containers of a pod failed, the first node's behind all others', the last behind earlier ones."""
    is_first = at(pod, "metadata", "labels", _INDEX) == "0"
    for each in at(pod, "status", "containerStatuses") or ():
        ended = at(each, "state", "terminated")
        if ended and ended.get("exitCode"):
            yield is_first, str(ended.get("finishedAt") or ""), ended


def _template(job: Object, objects: Sequence[Object]) -> Object:
    """Of the nodes, as the runtime that the job refers to has it."""
    ((kind, name),) = _beside(job)
    runtime = next(each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name))
    assert TRAINING_RUNTIME.pods is not None  # noqa: S101  # it has
    return next(iter(TRAINING_RUNTIME.pods(runtime))).template


def _beside(job: Object) -> Sequence[tuple[str, str]]:
    reference = job["spec"]["runtimeRef"]
    return ((reference["kind"], reference["name"]),)


TRAIN_JOBS = OperatorJobs(TRAIN_JOB, _template, _beside, job_state, _has_ended, _failure)
