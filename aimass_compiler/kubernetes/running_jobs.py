"""Training jobs of a namespace that have not ended, and how far each is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aimass_compiler import conventions
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.failures import Refused
from aimass_compiler.kubernetes.operator_jobs import OperatorJobs
from aimass_compiler.kubernetes.queue import why_it_waits
from aimass_compiler.kubernetes.training_job import OPERATORS_JOBS


@dataclass(frozen=True)
class RunningJob:
    """One training job."""

    model: str
    name: str
    """Its kind and its name."""
    state: str
    """What it does, or what it waits for."""


def running_jobs(connection: Connection, namespace: str) -> tuple[RunningJob, ...]:
    """Those of all models, by name; none where they may not be looked at. Raises ClusterError."""
    found = [job for jobs in OPERATORS_JOBS.values() for job in _running(connection, namespace, jobs)]
    return tuple(sorted(found, key=lambda each: each.name))


def _running(connection: Connection, namespace: str, jobs: OperatorJobs) -> Iterator[RunningJob]:
    kind = jobs.kind
    try:
        live = connection.list(kind.group, kind.kind, namespace)
    except Refused:  # to read them is a right of its own, and not every cluster has the kind
        return
    for each in live:
        model = (each["metadata"].get("labels") or {}).get(conventions.LABEL_MODEL, "")
        if model and not jobs.has_ended(each):
            state = why_it_waits(connection, each) or jobs.state(each).message
            yield RunningJob(model, f"{kind.kind} {each['metadata']['name']}", state)
