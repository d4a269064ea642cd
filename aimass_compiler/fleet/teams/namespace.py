"""A namespace with its bounds: quota, what containers get that ask for nothing, closed doors, and a queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.fleet.teams.home import Home
from aimass_compiler.pipeline.team import ContainerDefaults, Quota
from aimass_compiler.render.names import annotated

#: Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces
_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


def objects(home: Home) -> Iterator[dict[str, Any]]:
    """The namespace first, then what bounds it."""
    yield _namespace(home)
    if home.place.quota is not None and (hard := _hard(home, home.place.quota)):
        yield {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": home.head("team"),
            "spec": {"hard": hard},
        }
    yield _limits(home, home.place.defaults or ContainerDefaults.default())
    yield {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": home.head("default-deny"),
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
    if home.place.queue is not None and home.trains:
        yield {
            "apiVersion": "kueue.x-k8s.io/v1beta2",
            "kind": "LocalQueue",
            "metadata": home.head(home.place.queue.name or home.name),
            "spec": {"clusterQueue": home.place.queue.cluster_queue},
        }


def _namespace(home: Home) -> dict[str, Any]:
    noted = annotated({conventions.ANNOTATION_DESCRIPTION: home.team.description or ""})
    signature = home.settings.environments[home.environment].signature
    signed = {conventions.LABEL_SIGNED: "true"} if signature is not None and signature.admission else {}
    head = {"name": home.namespace, "labels": home.labels | _SECURITY | signed, **noted}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": head}


def _hard(home: Home, quota: Quota) -> dict[str, str]:
    """The bounds as the API server counts them.

    Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/
    """
    amounts = {
        "requests.cpu": quota.cpu,
        "requests.memory": quota.memory,
        "pods": quota.pods,
        "requests.storage": quota.storage,
        **dict.fromkeys(_devices(home), quota.gpus),
    }
    return {name: str(amount) for name, amount in amounts.items() if amount is not None}


def _devices(home: Home) -> Iterator[str]:
    """What quotas call the accelerators of the environment."""
    yield f"requests.{conventions.GPU_RESOURCE}"
    device = home.settings.environments[home.environment].accelerator
    if device is not None:
        yield f"requests.{device.resource}"
        if device.device_class is not None:
            yield f"{device.device_class}.deviceclass.resource.k8s.io/devices"


def _limits(home: Home, defaults: ContainerDefaults) -> dict[str, Any]:
    """No limit of cores by default, which would stall answers on idle nodes."""
    each = {
        "type": "Container",
        "default": {"memory": str(defaults.memory)},
        "defaultRequest": {"cpu": str(defaults.cpu), "memory": str(defaults.memory)},
    }
    head = home.head("team")
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": head, "spec": {"limits": [each]}}
