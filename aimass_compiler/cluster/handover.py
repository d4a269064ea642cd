"""Hands the number of servers over when somebody else is to set it, so that none of them is lost in between.

A field that nobody manages any more falls back to its default, which is one server. So what git gives up
goes to a field manager of its own until the scaler writes it. A Rollout serves until its Deployment does.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.cluster import rollouts
from aimass_compiler.cluster.connection import Connection, Merged
from aimass_compiler.cluster.failures import Conflict
from aimass_compiler.cluster.kinds import KindMissing
from aimass_compiler.cluster.objects import Declared, Object, ObjectKey, belongs_to, key_of
from aimass_compiler.cluster.owned import Owned
from aimass_compiler.cluster.replicas import SCALERS, deployment_of, desired, is_declared, least
from aimass_compiler.cluster.waiting import is_workload

_REPLICAS_CLAIM = "spec.replicas"
#: How long Argo Rollouts is given to see a change; where it does not run, nobody has to see it.
_SEEN_SECONDS = 15.0
_PAUSE = 0.2


@dataclass(frozen=True)
class Handover:
    """What sets the number of a model's servers, before an apply and after it."""

    declared: Declared
    services: frozenset[str]
    """Those between which declared Rollouts move the traffic."""
    goes: bool = False
    """Whether a scaler goes that the inventory lists: what it has set is for git then, or for the next."""
    rollout: Object | None = None
    """A Rollout that goes, as it is in the cluster."""
    deployment: Object | None = None
    """The Deployment whose place a declared Rollout takes, as it is in the cluster."""

    def replicas(self, document: Object, live: Object | None) -> int | None:
        """How many servers a workload must be given that git leaves to a scaler; None where it has them."""
        if not is_workload(key_of(document)) or "replicas" in document["spec"]:
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
        other = self.deployment if document["kind"] == "Rollout" else self.rollout
        return 0 if other is None else desired(other)

    def is_shared(self, document: Object) -> bool:
        """Whether Argo Rollouts writes into an object that is declared."""
        return document["kind"] == "HTTPRoute" or document["metadata"]["name"] in self.services

    def may_take(self, document: Object, conflict: Conflict) -> bool:
        """Whether a conflict is only about what a scaler that goes has set, or what others write by right."""
        left = conflict.claims
        if self.goes and is_workload(key_of(document)):
            left = tuple(claim for claim in left if claim.field != _REPLICAS_CLAIM)
        return rollouts.is_about_written(document, left)


def between(connection: Connection, owned: Owned | None, declared: Declared) -> Handover:
    """From what the inventory lists to what is declared. Raises ClusterError."""
    wanted = {key_of(document) for document in declared.objects}
    going = [entry.key for entry in (owned.entries if owned else ()) if entry.key not in wanted]
    going = [key for key in going if key.kind in SCALERS]
    found = [_live(connection, key) for key in going if key.kind == "Rollout"]
    ours = (each for each in found if each and belongs_to(each, declared.model, declared.environment))
    referred = map(deployment_of, declared.objects)
    deployments = [_live(connection, key) for key in referred if key is not None]
    return Handover(
        declared,
        rollouts.services_of(declared.objects),
        bool(going),
        next(ours, None),
        next(filter(None, deployments), None),
    )


def _live(connection: Connection, key: ObjectKey) -> Object | None:
    try:
        return connection.get(key)
    except KindMissing:
        return None


def give(connection: Connection, live: Object, servers: int) -> Merged:
    """Let a workload have so many servers, until whoever scales it says otherwise. Raises ClusterError."""
    return _apply(connection, live, {"replicas": servers})


def detach(connection: Connection, rollout: Object) -> None:
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


def retire(connection: Connection, declared: Iterable[Object]) -> None:
    """Let Deployments rest whose place a Rollout has taken: their servers would change without a canary.

    Argo Rollouts does it itself only for a Rollout's first version. Raises ClusterError.
    """
    for key in filter(None, map(deployment_of, declared)):
        live = connection.get(key)
        if live is not None and desired(live) > 0:
            give(connection, live, 0)


def _apply(connection: Connection, live: Object, spec: Mapping[str, Any]) -> Merged:
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
