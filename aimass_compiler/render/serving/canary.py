"""A new version that takes over step by step: Argo Rollouts' Rollout and its Services."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.serving.analysis import ARGUMENTS, pause_seconds, verdict_name, watch_name
from aimass_compiler.render.serving.network import service

_ALL = 100
#: Going back to one of so many versions before takes no steps.
_WINDOW = 3


def canary_name(model: str) -> str:
    """The Service of the version that is to take over."""
    return conventions.CANARY_SERVICE.format(model=model)


def stable_name(model: str, serving: Serving) -> str:
    """The Service of the version that serves.

    Where a gateway divides the traffic, it is what callers in the cluster know, so that none of them reaches
    an unproven version; else the number of pods divides it, and they call all of these.
    """
    return model if serving.gateway is not None else conventions.STABLE_SERVICE.format(model=model)


def services(model: str, serving: Serving) -> list[dict[str, Any]]:
    """The Services of the versions beside that of the model."""
    names = (canary_name(model), stable_name(model, serving))
    return [service(model, name, grpc=bool(serving.grpc)) for name in names if name != model]


def scaled(model: str) -> dict[str, str]:
    """Whose number of servers a scaler changes."""
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": model}


def rollout(model: str, serving: Serving, namespace: str | None) -> dict[str, Any]:
    """The Rollout of the Deployment's template; the Deployment hands over when the Rollout is healthy."""
    replicas = serving.replicas
    is_fixed = replicas.is_fixed
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": model},
        "spec": {
            **({"replicas": replicas.min} if is_fixed else {}),
            "rollbackWindow": {"revisions": _WINDOW},
            "progressDeadlineAbort": True,
            "workloadRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": model,
                "scaleDown": "onsuccess",
            },
            "strategy": {"canary": _strategy(model, serving, namespace)},
        },
    }


def _strategy(model: str, serving: Serving, namespace: str | None) -> dict[str, Any]:
    strategy: dict[str, Any] = {
        "canaryService": canary_name(model),
        "stableService": stable_name(model, serving),
        "maxUnavailable": 0,
        "maxSurge": str(serving.rollout.surge),
        "analysis": {**_asking(watch_name(model)), "startingStep": 1},
        "steps": _steps(model, serving),
    }
    if serving.gateway is not None:
        route = {"httpRoute": model} | ({} if namespace is None else {"namespace": namespace})
        strategy["trafficRouting"] = {"plugins": {"argoproj-labs/gatewayAPI": route}}
    return strategy


def _steps(model: str, serving: Serving) -> list[dict[str, Any]]:
    pause = {"pause": {"duration": f"{pause_seconds(serving.rollout)}s"}}
    verdict = {"analysis": _asking(verdict_name(model))}
    weights = [round(percent) for percent in serving.rollout.canary if percent < _ALL]
    return [step for weight in weights for step in ({"setWeight": weight}, pause, verdict)]


def _asking(template: str) -> dict[str, Any]:
    arguments = [{"name": name, "valueFrom": source} for name, source in ARGUMENTS.items()]
    return {"templates": [{"templateName": template}], "args": arguments}
