"""What runs in an environment: the version of each model, its health, since when, and from which commit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from aimass_compiler import conventions
from aimass_compiler.kubernetes import inventory, readiness
from aimass_compiler.kubernetes.changed_models import ChangedIn, changes_of
from aimass_compiler.kubernetes.connection import Connection, KindMissing
from aimass_compiler.kubernetes.delivery_engine import engine_of
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.handover import desired, is_scaler, least
from aimass_compiler.kubernetes.hold import ImageHold
from aimass_compiler.kubernetes.inventory import ClusterInventory, DamagedInventory, InventoryEntry
from aimass_compiler.kubernetes.made_workload import made_of
from aimass_compiler.kubernetes.objects import (
    Object,
    ObjectKey,
    is_workload,
    models_of,
    namespaces_in,
    owner_of,
)
from aimass_compiler.kubernetes.pod_images import images_of, model_digest, version_of
from aimass_compiler.kubernetes.running_jobs import RunningJob, running_jobs
from aimass_compiler.kubernetes.transport import AT_ONCE
from aimass_compiler.model_path import name_of, team_of
from aimass_compiler.programs import git
from aimass_compiler.project import Project
from aimass_compiler.releases import release_file
from aimass_compiler.render.serving.argo_rollouts import ROLLOUT_HASH, is_canary
from aimass_compiler.render.targets import kind_of

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
    HELD = "held"
    ELSEWHERE = "of another project"
    UNKNOWN = "unknown"
    NEW = "only in git"


@dataclass(frozen=True)
class DeployedModel:
    """One model in one environment."""

    model: str
    environment: str
    health: Health
    in_git: InGit
    reason: str = ""
    """Why it is not healthy."""
    version: str = ""
    """What the workload asks for now."""
    digest: str = ""
    """The digest of the image that holds the model."""
    stable: str = ""
    """The version that serves beside this one, where this one is a canary."""
    ready: int | None = None
    wanted: int | None = None
    since: datetime | None = None
    """When the first pods of this version were asked for."""
    commit: str = ""
    """The commit that was applied."""
    holds: tuple[ImageHold, ...] = ()
    """What must not come back, and who says so."""
    failure: DamagedInventory | None = None
    """Why it cannot be looked at."""


@dataclass(frozen=True)
class DeployedEnvironment:
    """One environment, and what runs there."""

    environment: str
    namespace: str
    cluster: str = ""
    """The address of its API server."""
    now: datetime | None = None
    """The time there."""
    models: tuple[DeployedModel, ...] = ()
    orphans: tuple[ClusterInventory, ...] = ()
    """What this project applied for it in other namespaces."""
    jobs: tuple[RunningJob, ...] = ()
    """Training jobs that have not ended."""
    failure: ClusterError | None = None
    """Why it cannot be looked at."""

    @property
    def failures(self) -> list[ClusterError]:
        """Why it, or some of its models, cannot be looked at."""
        found = (self.failure, *(each.failure for each in self.models))
        return [failure for failure in found if failure is not None]


class EnvironmentNamespace(NamedTuple):
    """A namespace of an environment, which has one for each team or one for all."""

    environment: str
    namespace: str
    all_namespaces: Collection[str]


@dataclass(frozen=True)
class GitState:
    """What this project has for an environment, to be held against what runs there."""

    models: tuple[str, ...]
    source: str
    """Its address, by which its models are distinguished from those of others."""
    changed_since: ChangedSince
    released: Callable[[str], str]
    """The digest that git releases of a model."""


def look(
    connection: Connection,
    project: Project,
    namespaces: Mapping[str, Collection[str]],
    servers: Mapping[str, str | None],
) -> list[DeployedEnvironment]:
    """What runs in the namespaces of each environment, and why one cannot be looked at."""
    changed = changes_of(project)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [
            _environment(
                connection, project, EnvironmentNamespace(name, namespace, here), servers[name], changed, pool
            )
            for name, here in namespaces.items()
            for namespace in sorted(here)
        ]


def _environment(
    connection: Connection,
    project: Project,
    place: EnvironmentNamespace,
    server: str | None,
    changed: ChangedIn,
    pool: Executor,
) -> DeployedEnvironment:
    name, namespace = place.environment, place.namespace
    try:
        _require_cluster(server, connection.address, name)
        state = _git_state(project, place, changed)
        found = running(connection, name, namespace, state, pool)
        every, is_first = place.all_namespaces, namespace == min(place.all_namespaces)
        orphans = inventory.elsewhere(connection, name, every, state.source) if is_first else []
        jobs = running_jobs(connection, namespace)
    except ClusterError as error:
        return DeployedEnvironment(name, namespace, connection.address, failure=error)
    return DeployedEnvironment(
        name, namespace, connection.address, connection.now(), tuple(found), tuple(orphans), jobs
    )


def _require_cluster(server: str | None, address: str, environment: str) -> None:
    """Raises ClusterError for an environment that aimass.yaml says lies in another cluster."""
    if server and server.rstrip("/") != address.rstrip("/"):
        raise ClusterError(
            f"it lies in the cluster {server}, and this context is of {address}",
            f"`aimass status --env {environment} --context NAME` asks there",
        )


def _git_state(project: Project, place: EnvironmentNamespace, changed: ChangedIn) -> GitState:
    """What the project has for a namespace of an environment."""
    environment, teams = place.environment, namespaces_in(project.generated, place.environment)
    models = tuple(
        model
        for model in models_of(project.generated, environment)
        if teams.get(team_of(model), place.namespace) == place.namespace
    )

    def released(model: str) -> str:
        try:
            found = release_file.read(project.root, environment, model)
        except release_file.DamagedRelease:
            return ""
        return found.digest if found else ""

    return GitState(models, git.source(project.root), lambda commit: changed(commit, environment), released)


def running(
    connection: Connection, environment: str, namespace: str, project: GitState, pool: Executor
) -> list[DeployedModel]:
    """Every model that was applied there or that git has for it, by name. Raises ClusterError."""
    found = inventory.found(connection, environment, namespace)
    replicas = _replica_sets(connection, environment, namespace) if found or project.models else {}
    paths = {name_of(model): model for model in project.models}

    def looked_at(each: ClusterInventory | DamagedInventory) -> DeployedModel:
        if isinstance(each, DamagedInventory):
            return DeployedModel(each.model, environment, Health.UNKNOWN, InGit.UNKNOWN, failure=each)
        name = name_of(each.model)
        owned = replace(each, model=paths.get(name, each.model))  # it may have moved to a team since
        return _one(connection, owned, replicas.get(name, ()), project)

    applied = pool.map(looked_at, found)
    there = {name_of(each.model) for each in found}
    absent = [
        _by_engine(connection, (model, environment, namespace), replicas.get(name, ()), project)
        for name, model in paths.items()
        if name not in there
    ]
    return sorted([*applied, *absent], key=lambda each: each.model)


def _by_engine(
    connection: Connection, place: tuple[str, str, str], replicas: Sequence[Object], project: GitState
) -> DeployedModel:
    """A model without an inventory: what runs of it by the doing of an engine, which keeps one elsewhere."""
    model, environment, namespace = place
    owners = [
        (each["apiVersion"].rpartition("/"), each)
        for replica in replicas
        for each in replica["metadata"].get("ownerReferences", ())
    ]
    keys = {ObjectKey(group, of["kind"], namespace, of["name"]): last for (group, _, last), of in owners}
    if not any(live is not None and engine_of(live) for live in (_live(connection, key) for key in keys)):
        return DeployedModel(model, environment, Health.NOT_APPLIED, InGit.NEW)
    entries = [InventoryEntry(key, version) for key, version in keys.items()]
    owned = ClusterInventory(model, environment, namespace, source=project.source, is_complete=True)
    found = _one(connection, owned.having(entries), replicas, project)
    in_git = InGit.SAME if found.digest == project.released(model) else InGit.BEHIND
    return replace(found, in_git=in_git)


def _replica_sets(connection: Connection, environment: str, namespace: str) -> dict[str, list[Object]]:
    """Those of each model: one question for all."""
    found: dict[str, list[Object]] = {}
    for each in connection.list(
        "apps", "ReplicaSet", namespace, {conventions.LABEL_ENVIRONMENT: environment}
    ):
        found.setdefault(owner_of(each)[0], []).append(each)
    return found


def _one(
    connection: Connection, owned: ClusterInventory, replicas: Sequence[Object], project: GitState
) -> DeployedModel:
    listed = [entry.key for entry in owned.entries if is_workload(entry.key) or is_scaler(entry.key)]
    found = {key: _live(connection, key) for key in listed}
    around = [document for document in found.values() if document is not None]
    live = {key: found[key] for key in _workloads(listed)}
    health, reason = _health(connection, live, around)
    there = [document for document in live.values() if document is not None]
    images = next(filter(None, map(images_of, there)), owned.release.images)
    counted = next(((made_of(connection, each) or each) for each in there), None)
    return DeployedModel(
        owned.model,
        owned.environment,
        health,
        _in_git(owned, project),
        reason,
        next(filter(None, map(version_of, there)), owned.version),
        model_digest(images),
        _stable(there, replicas),
        ready=_ready(counted) if counted else None,
        wanted=max(desired(counted), least(counted, around)) if counted else None,
        since=_since(replicas),
        commit=owned.commit,
        holds=owned.holds,
    )


def _stable(workloads: Iterable[Object], replicas: Sequence[Object]) -> str:
    """The version that serves on beside a canary; nothing where there is none."""
    for each in filter(is_canary, workloads):
        stable = each["status"]["stableRS"]
        own = (of for of in replicas if of["metadata"]["labels"].get(ROLLOUT_HASH) == stable)
        return next(filter(None, map(version_of, own)), "the version before")
    return ""


def _workloads(keys: Iterable[ObjectKey]) -> list[ObjectKey]:
    """What runs pods; a Rollout first, which counts those of the Deployment that it takes the place of."""
    return sorted(filter(is_workload, keys), key=lambda key: not kind_of(key.group, key.kind).has_steps)


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
        state = readiness.seen_state(connection, document, least(document, around))
        if state.is_ready:
            continue
        found = readiness.symptoms(connection, document)
        summary = "; ".join([state.message, *(symptom.message for symptom in found)])
        if state.has_failed or any(symptom.is_stuck for symptom in found):
            return Health.DEGRADED, summary
        waits_for = waits_for or summary
    return (Health.PROGRESSING, waits_for) if waits_for else (Health.HEALTHY, "")


def _ready(workload: Object) -> int:
    """How many servers are ready."""
    return (workload.get("status") or {}).get("readyReplicas") or 0


def _since(replicas: Sequence[Object]) -> datetime | None:
    newest = max(replicas, key=readiness.revision, default=None)
    return datetime.fromisoformat(newest["metadata"]["creationTimestamp"]) if newest else None


def _in_git(owned: ClusterInventory, project: GitState) -> InGit:
    if owned.source != project.source:
        return InGit.ELSEWHERE
    if owned.model not in project.models:
        return InGit.GONE
    if owned.holds:
        return InGit.HELD
    if not owned.is_complete:
        return InGit.UNFINISHED
    changed = project.changed_since(owned.commit) if owned.commit else None
    if changed is None:
        return InGit.UNKNOWN
    return InGit.BEHIND if owned.model in changed else InGit.SAME
