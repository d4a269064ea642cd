"""Why a training job waits in its queue, as Kueue says it of the job's Workload.

Source: https://kueue.sigs.k8s.io/docs/concepts/workload
"""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler import conventions
from aimass_compiler.kubernetes.connection import Connection, KindMissing
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.objects import Object
from aimass_compiler.render.object_kind import at

_GROUP = "kueue.x-k8s.io"
#: The label of a Workload with the identity of the job that it stands for.
_OF_JOB = "kueue.x-k8s.io/job-uid"


def queue_of(job: Object) -> str:
    """The queue that a job waits in before it may begin; empty where it has none."""
    return str((job["metadata"].get("labels") or {}).get(conventions.LABEL_QUEUE, ""))


def is_held(job: Object) -> bool:
    """Whether it may not run now: Kueue suspends what it has not admitted."""
    return bool(queue_of(job)) and at(job, "spec", "suspend") is True


def why_it_waits(connection: Connection, job: Object) -> str:
    """What Kueue says of a job that is held; empty for others, and where that may not be read."""
    if not is_held(job):
        return ""
    waits = f"it waits in the queue {queue_of(job)}"
    try:
        labels = {_OF_JOB: job["metadata"]["uid"]}
        workloads = connection.list(_GROUP, "Workload", job["metadata"]["namespace"], labels)
    except KindMissing:
        return f"{waits}, and Kueue is not installed"
    except ClusterError:
        return waits  # to read Workloads is a right of its own
    said = "; ".join(dict.fromkeys(text for each in workloads for text in _said(each)))
    return f"{waits}: {said}" if said else f"{waits}, which Kueue has not looked at yet"


def _said(workload: Object) -> Iterator[str]:
    """Why it has lost its place, where it had one, and why it has none now."""
    conditions = {each["type"]: each for each in at(workload, "status", "conditions") or ()}
    for name, status in (("Evicted", "True"), ("QuotaReserved", "False")):
        each = conditions.get(name) or {}
        if each.get("status") == status and each.get("message"):
            yield " ".join(str(each["message"]).split())
