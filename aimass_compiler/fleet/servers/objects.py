"""All objects of a shared server but its pods: who it is, who reaches it, how many run, who watches it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.fleet.servers import pods
from aimass_compiler.fleet.servers.place import ServerPlace
from aimass_compiler.render.names import serving_selector, wanted_labels
from aimass_compiler.render.pod_monitor import monitored_pods
from aimass_compiler.render.pod_settings import account_name, service_accounts
from aimass_compiler.render.serving import autoscaler, network

_HTTPS = (443, 6443)
_RULES = "monitoring.coreos.com/v1"
#: The share of its memory beyond which a server is nearly out of it.
_FULL = 0.95


def objects(place: ServerPlace) -> Iterator[dict[str, Any]]:
    """Everything that an environment needs of the server; its models bring Services of their own."""
    replicas = place.server.replicas
    yield from service_accounts(place.name, place.pods)
    yield from _rights(place)
    yield pods.deployment(place)
    yield _network_policy(place)
    if replicas.min < replicas.max:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": place.name}
        yield autoscaler.horizontal_pod_autoscaler(place.name, replicas, target)
    if replicas.min >= autoscaler.FEWEST_FOR_BUDGET:
        yield autoscaler.disruption_budget(place.name)
    yield _pod_monitor(place)
    yield _rules(place)


def _rights(place: ServerPlace) -> Iterator[dict[str, Any]]:
    """To read which models there are, and by what their callers are known; nothing else."""
    secrets = sorted({name for access in place.accesses for name in access.secrets})
    rules = [
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "verbs": ["get", "list"] if place.accesses else ["list"],
        }
    ]
    if secrets:
        named = {"resources": ["secrets"], "resourceNames": secrets}
        rules.append({"apiGroups": [""], **named, "verbs": ["get"]})
    name, account = f"{place.name}-models", account_name(place.name, place.pods)
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name},
        "rules": rules,
    }
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": place.namespace}],
    }


def _network_policy(place: ServerPlace) -> dict[str, Any]:
    """What a server of one model has, and the way to the API server and the registry."""
    served, prometheus = pods.served(place), place.settings.prometheus.namespace
    document = network.network_policy(place.name, served.serving, prometheus)
    _, _, port = place.settings.images.registry.partition("/")[0].partition(":")
    fetched = {each for access in place.accesses for each in access.ports}
    allowed = sorted({*_HTTPS, *fetched, *([int(port)] if port.isdigit() else [])})
    document["spec"]["egress"].append({"ports": [{"port": each, "protocol": "TCP"} for each in allowed]})
    return document


def _pod_monitor(place: ServerPlace) -> dict[str, Any]:
    return monitored_pods(place.name, dict(wanted_labels(place.settings)), serving_selector(place.name), {})


def _rules(place: ServerPlace) -> dict[str, Any]:
    """What is wrong with the server alone; each model has its own alerts."""
    labels = {"severity": "ticket", "environment": place.environment, "namespace": place.namespace}
    labels |= {"team": place.team} if place.team else {}
    rules = [each | {"labels": labels} for each in (_not_loaded(place), _full(place))]
    return {
        "apiVersion": _RULES,
        "kind": "PrometheusRule",
        "metadata": {"name": f"{place.name}-servers", "labels": dict(wanted_labels(place.settings))},
        "spec": {"groups": [{"name": f"{place.name}.servers", "rules": rules}]},
    }


def _not_loaded(place: ServerPlace) -> dict[str, Any]:
    return {
        "alert": "ModelNotLoaded",
        "expr": f"min by (namespace, model) ({conventions.METRIC_MODEL_LOADED}{{{_series(place)}}}) == 0",
        "for": "10m",
        "labels": {},
        "annotations": {
            "summary": "a shared server does not serve what is released of {{ $labels.model }}",
            "description": f"At least one server of {place.name} in {place.environment} has not loaded the "
            "released version of {{ $labels.model }} for ten minutes; its log says why. What it served "
            "before, it serves on.",
        },
    }


def _full(place: ServerPlace) -> dict[str, Any]:
    here, memory = _series(place), int(place.server.resources.memory.size * _FULL)
    return {
        "alert": "SharedServerFull",
        "expr": f"max by (namespace) (process_resident_memory_bytes{{{here}}}) > {memory}\n"
        f"or sum by (namespace, instance) ({conventions.METRIC_MODEL_MEMORY}{{{here}}}) > {memory}",
        "for": "15m",
        "labels": {},
        "annotations": {
            "summary": f"the shared server {place.name} is nearly out of memory",
            "description": f"A server of {place.name} in {place.environment} has had more than "
            f"{100 * _FULL:g} % of its memory for 15 minutes: its models take more than their specs say.",
        },
    }


def _series(place: ServerPlace) -> str:
    """The labels of what the server itself exports."""
    return f'job="{place.name}",namespace="{place.namespace}"'
