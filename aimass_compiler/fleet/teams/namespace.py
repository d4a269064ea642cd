"""A namespace with its bounds: quota, what containers get that ask for nothing, closed doors, and a queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.fleet.teams.team_namespace import TeamNamespace
from aimass_compiler.pipeline.team import ContainerDefaults, Quota
from aimass_compiler.render.names import annotated

#: Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces
_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


def objects(where: TeamNamespace) -> Iterator[dict[str, Any]]:
    """The namespace first, then what bounds it."""
    yield _namespace(where)
    if where.place.quota is not None and (hard := _hard(where, where.place.quota)):
        yield {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": where.head("team"),
            "spec": {"hard": hard},
        }
    yield _limits(where, where.place.defaults or ContainerDefaults.default())
    yield {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": where.head("default-deny"),
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
    if where.place.queue is not None and where.trains:
        yield {
            "apiVersion": "kueue.x-k8s.io/v1beta2",
            "kind": "LocalQueue",
            "metadata": where.head(where.place.queue.name or where.name),
            "spec": {"clusterQueue": where.place.queue.cluster_queue},
        }


def _namespace(where: TeamNamespace) -> dict[str, Any]:
    noted = annotated({conventions.ANNOTATION_DESCRIPTION: where.team.description or ""})
    signature = where.settings.environments[where.environment].signature
    signed = {conventions.LABEL_SIGNED: "true"} if signature is not None and signature.admission else {}
    head = {"name": where.namespace, "labels": where.labels | _SECURITY | signed, **noted}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": head}


def _hard(where: TeamNamespace, quota: Quota) -> dict[str, str]:
    """The bounds as the API server counts them.

    Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/
    """
    amounts = {
        "requests.cpu": quota.cpu,
        "requests.memory": quota.memory,
        "pods": quota.pods,
        "requests.storage": quota.storage,
        **dict.fromkeys(_devices(where), quota.gpus),
    }
    return {name: str(amount) for name, amount in amounts.items() if amount is not None}


def _devices(where: TeamNamespace) -> Iterator[str]:
    """What quotas call the accelerators of the environment."""
    yield f"requests.{conventions.GPU_RESOURCE}"
    device = where.settings.environments[where.environment].accelerator
    if device is not None:
        yield f"requests.{device.resource}"
        if device.device_class is not None:
            yield f"{device.device_class}.deviceclass.resource.k8s.io/devices"


def _limits(where: TeamNamespace, defaults: ContainerDefaults) -> dict[str, Any]:
    """No limit of cores by default, which would stall answers on idle nodes."""
    each = {
        "type": "Container",
        "default": {"memory": str(defaults.memory)},
        "defaultRequest": {"cpu": str(defaults.cpu), "memory": str(defaults.memory)},
    }
    head = where.head("team")
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": head, "spec": {"limits": [each]}}
