"""Who sets the number of a model's servers, and how it is handed over so that none is lost in between.

A field that nobody manages any more falls back to its default, which is one server. So what git gives up
goes to a field manager of its own until the scaler writes it. A Rollout serves until its Deployment does.
What controllers write into objects that git declares stays as it is; each kind says what that is.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.kubernetes.connection import AppliedObject, Connection, KindMissing
from aimass_compiler.kubernetes.failures import Claim, Conflict
from aimass_compiler.kubernetes.inventory import ClusterInventory
from aimass_compiler.kubernetes.object_diff import Manager, managers
from aimass_compiler.kubernetes.objects import (
    DeclaredModel,
    Object,
    ObjectKey,
    belongs_to,
    key_of,
)
from aimass_compiler.render.object_kind import ForeignField, SharedScaling
from aimass_compiler.render.targets import KINDS, kind_of, kind_of_object

REPLICAS = ("spec", "replicas")


def least(workload: Object, around: Iterable[Object]) -> int:
    """The fewest servers that are right, as the scalers `around` it say, or else the workload itself.

    Of an object in a cluster, its own number counts only where git declares it.
    """
    for other in around:
        if (fewest := _fewest(other, workload)) is not None:
            return fewest
    return int((workload.get("spec") or {}).get("replicas", 1)) if is_declared(workload) else 1


def is_declared(workload: Object) -> bool:
    """Whether git says how many servers it has, and not a scaler or whoever came last."""
    if "replicas" not in (workload.get("spec") or {}):
        return False
    is_live = bool(workload["metadata"].get("managedFields"))
    return not is_live or any(each.name == conventions.MANAGER for each in managers(workload, REPLICAS))


def scaled_by(workload: Object) -> Manager | None:
    """Whoever else set the number of its servers."""
    return next((each for each in managers(workload, REPLICAS) if not each.is_us), None)


def desired(workload: Object) -> int:
    """How many servers a workload in a cluster is to have now."""
    return int((workload.get("spec") or {}).get("replicas", 1))


def is_scaler(key: ObjectKey) -> bool:
    """Whether an object of this kind changes the number of a workload's servers, or takes its place."""
    return kind_of(key.group, key.kind).scales is not None


def deployment_of(rollout: Object) -> ObjectKey | None:
    """The workload whose pods another one takes over, as a Rollout does those of a Deployment; else none."""
    kind = kind_of_object(rollout)
    taken = kind.scales(rollout) if kind.scales and kind.has_replicas else None
    if taken is None:
        return None
    group = taken.target["apiVersion"].rpartition("/")[0]
    return ObjectKey(group, taken.target["kind"], rollout["metadata"]["namespace"], taken.target["name"])


def _fewest(scaler: Object, workload: Object) -> int | None:
    """What a scaler never goes below; None where it is not about this workload."""
    scales, key = kind_of_object(scaler).scales, key_of(workload)
    scaled = scales(scaler) if scales else None
    is_meant = scaled and (scaled.target.get("kind"), scaled.target.get("name")) == (key.kind, key.name)
    return scaled.fewest if scaled and is_meant else None


#: What controllers write into objects that git declares, of all kinds.
FOREIGN_FIELDS = tuple(field for kind in KINDS.values() for field in kind.writes)
_WRITTEN = {(each.kind, each.field, each.manager) for each in FOREIGN_FIELDS}


def services_of(objects: Iterable[Object]) -> frozenset[str]:
    """The Services between which declared workloads move the traffic."""
    found = ((kind_of_object(each).shifts, each) for each in objects)
    return frozenset(name for shifts, each in found if shifts is not None for name in shifts(each))


def with_written(document: Object, live: Object | None, services: frozenset[str]) -> Object:
    """A declared object with what is written into the live one: weights, or a version in a selector."""
    if live is not None and services:
        for field in _fields_in(document):
            document = document if field.keep is None else field.keep(document, live, services)
    return document


def _fields_in(document: Object) -> Iterator[ForeignField]:
    return (each for each in FOREIGN_FIELDS if each.kind == document["kind"])


def is_left(live: Object) -> bool:
    """Whether a field is as what goes wrote it: Argo Rollouts is late to leave the selector of a Service."""
    lasting = (each for each in _fields_in(live) if each.outlives)
    written = ((each, managers(live, tuple(each.field.split(".")))) for each in lasting)
    return any(each.manager == manager.name for each, by in written for manager in by)


def is_about_written(document: Object, claims: Iterable[Claim]) -> bool:
    """Whether somebody else manages nothing but what is theirs to write, or what we only hand over."""
    return all(_is_written(document["kind"], claim) for claim in claims)


def _is_written(kind: str, claim: Claim) -> bool:
    manager = claim.manager.lower()
    return claim.manager == conventions.HANDOVER_MANAGER or (kind, claim.field, manager) in _WRITTEN


_REPLICAS_CLAIM = "spec.replicas"
#: How long Argo Rollouts is given to see a change; where it does not run, nobody has to see it.
_SEEN_SECONDS = 15.0
_PAUSE = 0.2


@dataclass(frozen=True)
class Handover:
    """What sets the number of a model's servers, before an apply and after it."""

    declared: DeclaredModel
    services: frozenset[str]
    """Those between which declared Rollouts move the traffic."""
    goes: bool = False
    """Whether a scaler goes that the inventory lists: what it has set is for git then, or for the next."""
    rollout: Object | None = None
    """A Rollout that goes, as it is in the cluster."""
    deployment: Object | None = None
    """The Deployment whose place a declared Rollout takes, as it is in the cluster."""
    scalers: tuple[tuple[Object, Mapping[str, str]], ...] = ()
    """Those that go because another one counts the servers from now on, as they are in the cluster, and what
    must be noted at each."""

    def replicas(self, document: Object, live: Object | None) -> int | None:
        """How many servers a workload must be given that git leaves to a scaler; None where it has them."""
        if not kind_of_object(document).has_replicas or "replicas" in document["spec"]:
            return None
        fewest = least(document, self.declared.objects)
        now = 0 if live is None else desired(live)
        is_left = live is not None and not is_declared(live)
        if is_left and (now or not fewest) and not (self.rollout and fewest):
            return None
        wanted = max(fewest, now, self._elsewhere(document) if fewest else 0)
        return None if is_left and wanted == now else wanted

    def _elsewhere(self, document: Object) -> int:
        """How many servers run in what it takes the place of."""
        other = self.rollout if deployment_of(document) is None else self.deployment
        return 0 if other is None else desired(other)

    def is_shared(self, document: Object) -> bool:
        """Whether a controller may write into an object, in a field that git declares."""
        fields = (each for each in _fields_in(document) if each.keep is not None)
        return any(each.concerns(document, self.services) for each in fields)

    def may_take(self, document: Object, conflict: Conflict) -> bool:
        """Whether a conflict is only about what a scaler that goes has set, or what others write by right."""
        left = conflict.claims
        if self.goes and kind_of_object(document).has_replicas:
            left = tuple(claim for claim in left if claim.field != _REPLICAS_CLAIM)
        return is_about_written(document, left)


def handover_of(connection: Connection, owned: ClusterInventory | None, declared: DeclaredModel) -> Handover:
    """From what the inventory lists to what is declared. Raises ClusterError."""
    wanted = {key_of(document) for document in declared.objects}
    going = [entry.key for entry in (owned.entries if owned else ()) if entry.key not in wanted]
    going = [key for key in going if is_scaler(key)]
    found = [_live(connection, key) for key in going if kind_of(key.group, key.kind).has_steps]
    ours = (each for each in found if each and belongs_to(each, declared.model, declared.environment))
    referred = map(deployment_of, declared.objects)
    deployments = [_live(connection, key) for key in referred if key is not None]
    return Handover(
        declared,
        services_of(declared.objects),
        bool(going),
        next(ours, None),
        next(filter(None, deployments), None),
        tuple(_followed(connection, going, declared)),
    )


def _followed(
    connection: Connection, going: Iterable[ObjectKey], declared: DeclaredModel
) -> Iterator[tuple[Object, Mapping[str, str]]]:
    """The scalers that go, and whose place one takes that asks for a note at them."""
    asking = {each.kind: each.annotations for document in declared.objects if (each := _after(document))}
    for key in (key for key in going if key.kind in asking):
        live = _live(connection, key)
        if live is not None and belongs_to(live, declared.model, declared.environment):
            yield live, asking[key.kind]


def _after(document: Object) -> SharedScaling | None:
    return kind_of_object(document).after


def allow_second_scaler(connection: Connection, around: Handover) -> None:
    """Let an admission take what is to count servers while another scaler of ours does, until it is pruned.

    Raises ClusterError.
    """
    for live, wanted in around.scalers:
        noted = live["metadata"].get("annotations") or {}
        if not wanted.items() <= noted.items():
            metadata = {name: live["metadata"][name] for name in ("name", "namespace", "uid")}
            document = {"apiVersion": live["apiVersion"], "kind": live["kind"]}
            document |= {"metadata": metadata | {"annotations": dict(wanted)}}
            connection.apply(document, force=True, manager=conventions.HANDOVER_MANAGER)


def _live(connection: Connection, key: ObjectKey) -> Object | None:
    try:
        return connection.get(key)
    except KindMissing:
        return None


def set_replicas(connection: Connection, live: Object, servers: int) -> AppliedObject:
    """Let a workload have so many servers, until whoever scales it says otherwise. Raises ClusterError."""
    return _apply(connection, live, {"replicas": servers})


def keep_scaled(connection: Connection, rollout: Object) -> None:
    """Keep Argo Rollouts from scaling a Deployment to nothing again, which is to serve by itself.

    Raises ClusterError.
    """
    reference = rollout["spec"].get("workloadRef")
    if not reference or reference.get("scaleDown") == "never":
        return
    spec = {"replicas": desired(rollout), "workloadRef": {**reference, "scaleDown": "never"}}
    merged = _apply(connection, rollout, spec).document
    deadline = time.monotonic() + _SEEN_SECONDS
    seen = str((rollout.get("status") or {}).get("observedGeneration", ""))
    while seen and seen != str(merged["metadata"]["generation"]) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        live = connection.get(key_of(rollout))
        seen = str((live.get("status") or {}).get("observedGeneration", "")) if live else ""


def show_all_pods(connection: Connection, around: Handover) -> None:
    """Let Services show all pods of a model that a Rollout has left, whose controller may be late or gone.

    Where it was quick, the selector is right and the controller's, which the next apply would change.
    Raises ClusterError.
    """
    left = services_of([around.rollout]) if around.rollout is not None else frozenset()
    for document in around.declared.objects:
        lasting = (each for each in _fields_in(document) if each.outlives)
        if any(each.concerns(document, left - around.services) for each in lasting):
            connection.apply(document, force=True)


def scale_down_replaced(connection: Connection, declared: Iterable[Object]) -> None:
    """Let Deployments rest whose place a Rollout has taken: their servers would change without a canary.

    Argo Rollouts does it itself only for a Rollout's first version. Raises ClusterError.
    """
    for key in filter(None, map(deployment_of, declared)):
        live = connection.get(key)
        if live is not None and desired(live) > 0:
            set_replicas(connection, live, 0)


def _apply(connection: Connection, live: Object, spec: Mapping[str, Any]) -> AppliedObject:
    """Apply a part of exactly this object, and nothing where another one has its name by now.

    What was handed over before and is not part of it falls back to its default.
    """
    metadata = {name: live["metadata"][name] for name in ("name", "namespace", "uid")}
    document = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": metadata,
        "spec": dict(spec),
    }
    return connection.apply(document, force=True, manager=conventions.HANDOVER_MANAGER)
