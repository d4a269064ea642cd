"""Argo Rollouts: the state of a Rollout, and the fields of other objects that its controller writes.

The rules of a route and the selector of a Service are one value each to the API server: who changes a weight
manages all of it. Source: https://argo-rollouts.readthedocs.io/en/stable/features/traffic-management/
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from aimass_compiler.render.object_kind import (
    ForeignField,
    HealthCheck,
    Object,
    ObjectKind,
    Rank,
    Scaled,
    WorkloadState,
    at,
)

_ARGO_ROLLOUTS = "Argo Rollouts (https://argo-rollouts.readthedocs.io)"
#: The field managers: the controller's, and its plugin's for the Gateway API.
_CONTROLLER, _PLUGIN = "rollouts-controller", "gatewayapi"
#: What the controller adds to the selectors of both Services, to keep the versions' pods apart.
ROLLOUT_HASH = "rollouts-pod-template-hash"


def _rollout_state(live: Object, fewest: int) -> WorkloadState:
    """Source: https://argo-rollouts.readthedocs.io/en/stable/features/kubectl-plugin (phases)."""
    status = live.get("status") or {}
    phase, message = status.get("phase", ""), status.get("message") or ""
    summary = f"{phase}: {message}" if message else phase
    if str(live["metadata"].get("generation", 0)) != str(status.get("observedGeneration", "")) or not phase:
        return WorkloadState("its controller has not seen it yet")
    if phase == "Paused":
        name, namespace = live["metadata"]["name"], live["metadata"]["namespace"]
        message = f"{summary}; `kubectl argo rollouts promote {name} -n {namespace}` goes on"
        return WorkloadState(message, is_started=is_canary(live))
    available = status.get("availableReplicas", 0)
    if phase == "Healthy" and available < fewest:
        return WorkloadState(f"{available} of at least {fewest} are available")
    # Until the canary's first pods are available it stays at step 0.
    is_started = is_canary(live) and phase == "Progressing" and bool(status.get("currentStepIndex"))
    return WorkloadState(
        summary, is_ready=phase == "Healthy", has_failed=phase == "Degraded", is_started=is_started
    )


def is_canary(rollout: Object) -> bool:
    """Whether a Rollout runs a new version beside the one that serves."""
    status = rollout.get("status") or {}
    stable = status.get("stableRS", "")
    return bool(stable) and status.get("currentPodHash", "") not in {"", stable}


def _taken_over(rollout: Object) -> Scaled | None:
    """The Deployment whose pods a Rollout runs, so that it needs none of its own."""
    reference = at(rollout, "spec", "workloadRef")
    return Scaled(reference, 0) if reference and reference.get("kind") == "Deployment" else None


_SEEN = "status.observedGeneration == string(metadata.generation)"
#: A canary is not waited for once its first step runs: an engine would apply nothing else meanwhile.
_ROLLOUT_HEALTH = HealthCheck(
    "argoproj.io/v1alpha1",
    current=f"{_SEEN} && (status.phase in ['Healthy', 'Paused'] || "
    "(status.phase == 'Progressing' && has(status.currentStepIndex) && status.currentStepIndex > 0))",
    failed=f"{_SEEN} && status.phase == 'Degraded'",
)


def _services(rollout: Object) -> Iterator[str]:
    """Those of the version that serves and of the one that is to take over."""
    canary = at(rollout, "spec", "strategy", "canary") or {}
    yield from filter(None, (canary.get(name, "") for name in ("stableService", "canaryService")))


def _is_moved(service: Object, services: frozenset[str]) -> bool:
    return service["metadata"]["name"] in services


def _with_selector(service: Object, live: Object, services: frozenset[str]) -> Object:
    version = (live["spec"].get("selector") or {}).get(ROLLOUT_HASH)
    if version is None or not _is_moved(service, services):
        return service
    spec = service["spec"]
    return {**service, "spec": {**spec, "selector": {**spec["selector"], ROLLOUT_HASH: version}}}


def _with_weights(route: Object, live: Object, services: frozenset[str]) -> Object:
    weights = {each["name"]: each.get("weight") for each in _backends(live) if each["name"] in services}
    if weights.keys() != services:
        return route
    changed: dict[str, Any] = copy.deepcopy(dict(route))
    for backend in _backends(changed):
        if backend["name"] in weights:
            backend["weight"] = weights[backend["name"]]
    return changed


def _backends(route: Object) -> Iterator[dict[str, Any]]:
    for rule in route["spec"].get("rules") or ():
        yield from rule.get("backendRefs") or ()


ROLLOUT = ObjectKind(
    kind="Rollout",
    group="argoproj.io",
    rank=Rank.WORKLOAD,
    operator=_ARGO_ROLLOUTS,
    state=_rollout_state,
    has_replicas=True,
    serves=True,
    scales=_taken_over,
    has_steps=True,
    shifts=_services,
    writes=(
        ForeignField(
            kind="Service",
            field="spec.selector",
            manager=_CONTROLLER,
            keep=_with_selector,
            concerns=_is_moved,
            outlives=True,
        ),
        ForeignField(kind="HTTPRoute", field="spec.rules", manager=_PLUGIN, keep=_with_weights),
        # Of a Deployment that is to serve by itself, what a Rollout left behind.
        ForeignField(kind="Deployment", field="spec.replicas", manager=_CONTROLLER),
    ),
    health=_ROLLOUT_HEALTH,
    explained_by=(("", "events"), ("", "pods"), ("apps", "replicasets")),
)
ANALYSIS_TEMPLATE = ObjectKind(
    kind="AnalysisTemplate", group="argoproj.io", rank=Rank.ADDRESS, operator=_ARGO_ROLLOUTS
)
