"""A new version that takes over step by step: Argo Rollouts' Rollout, AnalysisTemplate and Services."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.serving.network import service

_ALL = 100
_STEP = "10m"  # longer than the five minutes over which the analysis looks at errors
_FAST_BURN = 14.4
#: Not the port name that the ServiceMonitor looks for: these Services show pods a second time.
_UNSCRAPED_PORT = "traffic"
#: What the analysis must know: a Rollout's pods are called by the hash of their template.
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "namespace": {"fieldRef": {"fieldPath": "metadata.namespace"}},
    "version": {"podTemplateHashValue": "Latest"},
}


def stable_name(model: str) -> str:
    """The Service of the version that serves."""
    return f"{model}-stable"


def canary_name(model: str) -> str:
    """The Service of the version that is to take over."""
    return f"{model}-canary"


def services(model: str) -> list[dict[str, Any]]:
    """The two Services between which the Rollout moves the traffic."""
    return [service(model, name, _UNSCRAPED_PORT) for name in (canary_name(model), stable_name(model))]


def rollout(model: str, serving: Serving, namespace: str | None) -> dict[str, Any]:
    """The Rollout of the Deployment's template; the Deployment hands over when the Rollout is healthy."""
    replicas = serving.replicas
    is_fixed = replicas.min == replicas.max
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": model},
        "spec": {
            **({"replicas": replicas.min} if is_fixed else {}),
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
        "stableService": stable_name(model),
        "maxUnavailable": 0,
        "maxSurge": str(serving.rollout.surge),
        "analysis": {
            "templates": [{"templateName": model}],
            "startingStep": 1,
            "args": [{"name": name, "valueFrom": source} for name, source in _ARGUMENTS.items()],
        },
        "steps": _steps(serving),
    }
    if serving.gateway is not None:
        route = {"httpRoute": model} | ({} if namespace is None else {"namespace": namespace})
        strategy["trafficRouting"] = {"plugins": {"argoproj-labs/gatewayAPI": route}}
    return strategy


def _steps(serving: Serving) -> list[dict[str, Any]]:
    weights = [round(percent) for percent in serving.rollout.canary if percent < _ALL]
    return [step for weight in weights for step in ({"setWeight": weight}, {"pause": {"duration": _STEP}})]


def analysis(model: str, serving: Serving, prometheus_namespace: str) -> dict[str, Any]:
    """What ends a canary: its own errors, when they burn the budget 14.4 times too fast, as the page does."""
    allowed = _FAST_BURN * (1 - serving.objectives.availability.fraction)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": model},
        "spec": {
            "args": [{"name": name} for name in _ARGUMENTS],
            "metrics": [
                {
                    "name": "error-ratio",
                    "interval": "1m",
                    "failureLimit": 2,
                    # No failure yet, no series; no request, no number: a silent version is not a broken one.
                    "successCondition": f"len(result) == 0 || isNaN(result[0]) || result[0] <= {allowed:.6f}",
                    "provider": {
                        "prometheus": {
                            "address": f"http://prometheus-operated.{prometheus_namespace}.svc:9090",
                            "query": _error_ratio(model),
                        }
                    },
                }
            ],
        },
    }


def _error_ratio(model: str) -> str:
    """Of the canary's servers only: among all requests a few per cent would not be seen to fail."""
    own = ('namespace="{{args.namespace}}"', f'pod=~"{model}-{{{{args.version}}}}-.+"')
    every = ",".join((f'model="{model}"', *own))
    requests = conventions.METRIC_REQUESTS
    return f'sum(rate({requests}{{{every},code=~"5.."}}[5m])) / sum(rate({requests}{{{every}}}[5m]))'
