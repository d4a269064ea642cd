"""What Argo Rollouts and its plugin write into objects that git declares, and applying leaves as it is.

The rules of a route and the selector of a Service are one value each to the API server, so whoever changes a
weight in them manages all of it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.cluster.failures import Claim
from aimass_compiler.cluster.objects import Object

#: The field managers: the controller's, and its plugin's for the Gateway API.
CONTROLLER, PLUGIN = "rollouts-controller", "gatewayapi"
_WRITTEN = {
    ("Service", "spec.selector", CONTROLLER),
    ("HTTPRoute", "spec.rules", PLUGIN),
    # Of a Deployment that is to serve by itself, what a Rollout left behind.
    ("Deployment", "spec.replicas", CONTROLLER),
}
#: What the controller adds to the selectors of both Services, to tell the versions' pods apart.
_HASH = "rollouts-pod-template-hash"


def services_of(objects: Iterable[Object]) -> frozenset[str]:
    """The Services between which declared Rollouts move the traffic."""
    found = (
        (each["spec"].get("strategy") or {}).get("canary") or {}
        for each in objects
        if each["kind"] == "Rollout"
    )
    named = (canary.get(name, "") for canary in found for name in ("stableService", "canaryService"))
    return frozenset(filter(None, named))


def with_written(document: Object, live: Object | None, services: frozenset[str]) -> Object:
    """A declared object with what is written into the live one: weights, or a version in a selector."""
    if live is None or not services:
        return document
    if document["kind"] == "Service" and document["metadata"]["name"] in services:
        return _with_selector(document, (live["spec"].get("selector") or {}).get(_HASH))
    if document["kind"] == "HTTPRoute":
        found = {each["name"]: each.get("weight") for each in _backends(live) if each["name"] in services}
        return _with_weights(document, found) if found.keys() == services else document
    return document


def is_about_written(document: Object, claims: Iterable[Claim]) -> bool:
    """Whether somebody else manages nothing but what is theirs to write, or what we only hand over."""
    return all(_is_written(document["kind"], claim) for claim in claims)


def _is_written(kind: str, claim: Claim) -> bool:
    manager = claim.manager.lower()
    return claim.manager == conventions.HANDOVER_MANAGER or (kind, claim.field, manager) in _WRITTEN


def _with_selector(document: Object, version: str | None) -> Object:
    if version is None:
        return document
    spec = document["spec"]
    return {**document, "spec": {**spec, "selector": {**spec["selector"], _HASH: version}}}


def _with_weights(document: Object, weights: dict[str, Any]) -> Object:
    changed: dict[str, Any] = copy.deepcopy(dict(document))
    for backend in _backends(changed):
        if backend["name"] in weights:
            backend["weight"] = weights[backend["name"]]
    return changed


def _backends(route: Object) -> Iterator[dict[str, Any]]:
    for rule in route["spec"].get("rules") or ():
        yield from rule.get("backendRefs") or ()
