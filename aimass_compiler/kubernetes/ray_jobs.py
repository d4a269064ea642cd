"""Training jobs of KubeRay, read back: phases, workers, and what Ray says of a command that failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.objects import Object
from aimass_compiler.kubernetes.operator_jobs import JobFailure, OperatorJobs
from aimass_compiler.render.object_kind import WorkloadState, at
from aimass_compiler.render.training.rayjob import RAY_JOB

#: What Ray says of a command that failed (ray/dashboard/modules/job/job_supervisor.py), with its log.
_EXITED = re.compile(r"failed with exit code (\d+)")
_SUCCEEDED, _COMPLETE = "SUCCEEDED", "Complete"
_ENDED = frozenset((_COMPLETE, "Failed", "ValidationFailed"))
_PHASES = {
    "": "KubeRay has not begun with it",
    "Initializing": "its Ray cluster starts",
    "Running": "it runs",
    "Suspending": "it is being suspended",
    "Suspended": "it is suspended, as while it waits in its queue",
    "Retrying": "it failed, and is tried again on a new Ray cluster",
    "Waiting": "it waits to be submitted",
}


def job_state(live: Object) -> WorkloadState:
    """How far a RayJob is, by what KubeRay writes into its status."""
    phase = str(at(live, "status", "jobDeploymentStatus") or "")
    has_succeeded = at(live, "status", "jobStatus") == _SUCCEEDED
    if phase in _ENDED:
        is_ready = phase == _COMPLETE and has_succeeded
        return WorkloadState(_said(live), is_ready=is_ready, has_failed=not is_ready)
    return WorkloadState(": ".join(filter(None, (_PHASES.get(phase, phase), _said(live)))))


def _has_ended(live: Object) -> bool:
    return at(live, "status", "jobDeploymentStatus") in _ENDED


def _said(live: Object) -> str:
    """What the status says in words, and how many workers are there."""
    status = live.get("status") or {}
    cluster = status.get("rayClusterStatus") or {}
    found = [" ".join(str(status[name]).split()) for name in ("reason", "message") if status.get(name)]
    desired, ready = cluster.get("desiredWorkerReplicas"), cluster.get("readyWorkerReplicas", 0)
    if desired and ready != desired and not _has_ended(live):
        found.append(f"{ready} of {desired} workers are ready")
    return ", ".join(found)


def _failure(connection: Connection, live: Object) -> JobFailure:
    del connection
    status = live["status"]
    message = str(status.get("message") or "").strip()
    exited = _EXITED.search(message)
    reason = status.get("reason") or status.get("jobStatus") or "it does not say why"
    return JobFailure(reason, message, int(exited[1]) if exited else None)


def _template(job: Object, objects: Sequence[Object]) -> Object:
    """Of the head, which runs the stages."""
    del objects
    found: Object = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]
    return found


def _beside(job: Object) -> Sequence[tuple[str, str]]:
    del job
    return ()


RAY_JOBS = OperatorJobs(RAY_JOB, _template, _beside, job_state, _has_ended, _failure)
