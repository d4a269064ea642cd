"""How many servers a workload must have at least: what git, or its scaler, never goes below."""

from __future__ import annotations

from collections.abc import Iterable

from aimass_compiler import conventions
from aimass_compiler.cluster.fields import Manager, managers
from aimass_compiler.cluster.objects import Object, ObjectKey, key_of

REPLICAS = ("spec", "replicas")
#: Kinds that change the number of a workload's servers, or take its place.
SCALERS = ("HorizontalPodAutoscaler", "ScaledObject", "Rollout")


def least(workload: Object, around: Iterable[Object]) -> int:
    """The fewest servers that are right, as the scalers `around` it say, or else the workload itself.

    Of an object in a cluster, its own number counts only where git declares it.
    """
    for other in around:
        if (fewest := _fewest(other, workload)) is not None:
            return fewest
    return int(workload["spec"].get("replicas", 1)) if is_declared(workload) else 1


def is_declared(workload: Object) -> bool:
    """Whether git says how many servers it has, and not a scaler or whoever came last."""
    if "replicas" not in workload["spec"]:
        return False
    is_live = bool(workload["metadata"].get("managedFields"))
    return not is_live or any(each.name == conventions.MANAGER for each in managers(workload, REPLICAS))


def scaled_by(workload: Object) -> Manager | None:
    """Whoever else set the number of its servers."""
    return next((each for each in managers(workload, REPLICAS) if not each.is_us), None)


def desired(workload: Object) -> int:
    """How many servers a workload in a cluster is to have now."""
    return int(workload["spec"].get("replicas", 1))


def deployment_of(rollout: Object) -> ObjectKey | None:
    """The Deployment whose pods a Rollout runs, so that it needs none of its own."""
    reference = rollout["spec"].get("workloadRef") if rollout["kind"] == "Rollout" else None
    if not reference or reference.get("kind") != "Deployment":
        return None
    return ObjectKey("apps", "Deployment", rollout["metadata"]["namespace"], reference["name"])


def _fewest(scaler: Object, workload: Object) -> int | None:
    """What a scaler never goes below; None where it is not about this workload."""
    key, spec = key_of(workload), scaler.get("spec") or {}
    if deployment_of(scaler) == key:
        return 0
    if not _names(spec.get("scaleTargetRef"), key):
        return None
    if scaler["kind"] == "ScaledObject":
        return int(spec.get("idleReplicaCount", spec.get("minReplicaCount", 0)))
    return int(spec.get("minReplicas", 1)) if scaler["kind"] == "HorizontalPodAutoscaler" else None


def _names(reference: Object | None, key: ObjectKey) -> bool:
    """Whether a reference within a namespace is about an object; a ScaledObject's means a Deployment."""
    found = reference or {}
    return (found.get("kind", "Deployment"), found.get("name")) == (key.kind, key.name)
