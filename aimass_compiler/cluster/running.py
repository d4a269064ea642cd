"""What runs in an environment: the version of each model, its health, since when, and from which commit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aimass_compiler import conventions
from aimass_compiler.cluster import owned as inventory
from aimass_compiler.cluster import reasons
from aimass_compiler.cluster.connection import Connection
from aimass_compiler.cluster.kinds import KindMissing
from aimass_compiler.cluster.objects import Object, ObjectKey, owner_of, version_of
from aimass_compiler.cluster.owned import Damaged, Owned
from aimass_compiler.cluster.replicas import SCALERS, desired, least
from aimass_compiler.cluster.waiting import is_workload, state_of

#: Which models' manifests differ from those at a commit; None where git does not know it.
ChangedSince = Callable[[str], Collection[str] | None]


class Health(StrEnum):
    """How a model is."""

    HEALTHY = "healthy"
    PROGRESSING = "progressing"
    DEGRADED = "degraded"
    NOT_APPLIED = "not applied"
    NOTHING_SERVES = "nothing serves"
    UNKNOWN = "unknown"


class InGit(StrEnum):
    """How what was applied relates to what git has."""

    SAME = "as in git"
    BEHIND = "behind git"
    GONE = "gone from git"
    UNFINISHED = "unfinished"
    ELSEWHERE = "of another project"
    UNKNOWN = "unknown"
    NEW = "only in git"


@dataclass(frozen=True)
class Running:
    """One model in one environment."""

    model: str
    environment: str
    health: Health
    in_git: InGit
    reason: str = ""
    """Why it is not healthy."""
    version: str = ""
    """The tag of the image that the workload asks for now."""
    ready: int | None = None
    wanted: int | None = None
    since: datetime | None = None
    """When the first pods of this version were asked for."""
    commit: str = ""
    """The commit that was applied."""
    failure: Damaged | None = None
    """Why it cannot be looked at."""


@dataclass(frozen=True)
class Project:
    """What this project has for an environment, to be held against what runs there."""

    models: tuple[str, ...]
    source: str
    """Its address, by which its models are told from those of others."""
    changed_since: ChangedSince


def running(
    connection: Connection, environment: str, namespace: str, project: Project, pool: Executor
) -> list[Running]:
    """Every model that was applied there or that git has for it, by name. Raises ClusterError."""
    found = inventory.found(connection, environment, namespace)
    replicas = _replica_sets(connection, environment, namespace) if found else {}

    def looked_at(each: Owned | Damaged) -> Running:
        if isinstance(each, Damaged):
            return Running(each.model, environment, Health.UNKNOWN, InGit.UNKNOWN, failure=each)
        return _one(connection, each, replicas.get(each.model, ()), project)

    applied = pool.map(looked_at, found)
    there = {each.model for each in found}
    absent = [
        Running(model, environment, Health.NOT_APPLIED, InGit.NEW)
        for model in project.models
        if model not in there
    ]
    return sorted([*applied, *absent], key=lambda each: each.model)


def _replica_sets(connection: Connection, environment: str, namespace: str) -> dict[str, list[Object]]:
    """Those of each model: one question for all."""
    found: dict[str, list[Object]] = {}
    for each in connection.list(
        "apps", "ReplicaSet", namespace, {conventions.LABEL_ENVIRONMENT: environment}
    ):
        found.setdefault(owner_of(each)[0], []).append(each)
    return found


def _one(connection: Connection, owned: Owned, replicas: Sequence[Object], project: Project) -> Running:
    listed = [entry.key for entry in owned.entries if is_workload(entry.key) or entry.key.kind in SCALERS]
    found = {key: _live(connection, key) for key in listed}
    around = [document for document in found.values() if document is not None]
    live = {key: found[key] for key in _workloads(listed)}
    health, reason = _health(connection, live, around)
    there = [document for document in live.values() if document is not None]
    return Running(
        owned.model,
        owned.environment,
        health,
        _in_git(owned, project),
        reason,
        next(filter(None, map(version_of, there)), owned.version),
        ready=_ready(there[0]) if there else None,
        wanted=max(desired(there[0]), least(there[0], around)) if there else None,
        since=_since(replicas),
        commit=owned.commit,
    )


def _workloads(keys: Iterable[ObjectKey]) -> list[ObjectKey]:
    """What runs pods; a Rollout first, which counts those of the Deployment that it takes the place of."""
    return sorted(filter(is_workload, keys), key=lambda key: key.kind != "Rollout")


def _live(connection: Connection, key: ObjectKey) -> Object | None:
    try:
        return connection.get(key)
    except KindMissing:
        return None


def _health(
    connection: Connection, live: Mapping[ObjectKey, Object | None], around: Sequence[Object]
) -> tuple[Health, str]:
    """Of the workload that is worst off, with the reason."""
    if not live:
        return Health.NOTHING_SERVES, ""
    waits_for = ""
    for key, document in live.items():
        if document is None:
            return Health.DEGRADED, f"{key} is gone"
        state = state_of(document, least(document, around))
        if state.is_ready:
            continue
        found = reasons.troubles(connection, document)
        told = "; ".join([state.told, *(trouble.told for trouble in found)])
        if state.has_failed or any(trouble.is_stuck for trouble in found):
            return Health.DEGRADED, told
        waits_for = waits_for or told
    return (Health.PROGRESSING, waits_for) if waits_for else (Health.HEALTHY, "")


def _ready(workload: Object) -> int:
    """How many servers are ready."""
    return (workload.get("status") or {}).get("readyReplicas") or 0


def _since(replicas: Sequence[Object]) -> datetime | None:
    newest = max(replicas, key=reasons.revision, default=None)
    return datetime.fromisoformat(newest["metadata"]["creationTimestamp"]) if newest else None


def _in_git(owned: Owned, project: Project) -> InGit:
    if owned.source != project.source:
        return InGit.ELSEWHERE
    if owned.model not in project.models:
        return InGit.GONE
    if not owned.digest:
        return InGit.UNFINISHED
    changed = project.changed_since(owned.commit) if owned.commit else None
    if changed is None:
        return InGit.UNKNOWN
    return InGit.BEHIND if owned.model in changed else InGit.SAME
