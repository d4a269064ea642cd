"""What an environment says of pods, written into the template of one, and into its ServiceAccount."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_compiler.pipeline.pod_settings import Identity, NodeLabels, PodSettings


def settled(template: dict[str, Any], settings: PodSettings, *, has_identity: bool = True) -> dict[str, Any]:
    """A pod's template with all that its environment says of pods, beside what it has itself.

    Without an identity its ServiceAccount stays, as where it has rights of its own.
    """
    spec = {**template["spec"], **_placed(template["spec"], settings)}
    if settings.priority_class is not None:
        spec["priorityClassName"] = settings.priority_class
    if settings.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in settings.pull_secrets]
    identity = settings.identity if has_identity else None
    if identity is None:
        return {**template, "spec": spec}
    if identity.service_account is not None:
        spec["serviceAccountName"] = identity.service_account
    return {**_labelled(template, identity.labels or {}), "spec": spec}


def service_accounts(name: str, settings: PodSettings) -> list[dict[str, Any]]:
    """An identity of its own, which may do nothing in the cluster; none where an existing one is used."""
    identity = settings.identity or Identity.default()
    if identity.service_account is not None:
        return []
    noted = {"annotations": dict(identity.annotations)} if identity.annotations else {}
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, **noted},
            "automountServiceAccountToken": False,
        }
    ]


def account_name(name: str, settings: PodSettings) -> str:
    """The ServiceAccount that pods run as: one that exists, or their own of this name."""
    return (settings.identity or Identity.default()).service_account or name


def _placed(spec: Mapping[str, Any], settings: PodSettings) -> dict[str, Any]:
    """Where it may run: what the pod needs itself, such as nodes with its accelerator, holds as well."""
    found: dict[str, Any] = {}
    labels: NodeLabels = settings.nodes or {}
    if fixed := {key: value for key, value in labels.items() if isinstance(value, str)}:
        found["nodeSelector"] = fixed | dict(spec.get("nodeSelector", {}))
    if chosen := {key: value for key, value in labels.items() if not isinstance(value, str)}:
        terms = [{"key": key, "operator": "In", "values": [*values]} for key, values in chosen.items()]
        required = {"nodeSelectorTerms": [{"matchExpressions": terms}]}
        found["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    if settings.tolerations:
        own = spec.get("tolerations", [])
        found["tolerations"] = [
            *own,
            *(each for each in map(_toleration, settings.tolerations) if each not in own),
        ]
    return found


def _toleration(taint: str) -> dict[str, str]:
    """Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""
    told, _, effect = taint.partition(":")
    key, equals, value = told.partition("=")
    matched = {"operator": "Equal", "value": value} if equals else {"operator": "Exists"}
    return {"key": key, **matched, **({"effect": effect} if effect else {})}


def _labelled(template: dict[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    if not labels:
        return template
    metadata = template["metadata"]
    return {**template, "metadata": {**metadata, "labels": {**labels, **metadata.get("labels", {})}}}
