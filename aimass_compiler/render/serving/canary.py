"""A new version that takes over step by step: Argo Rollouts' Rollout, AnalysisTemplate and Services."""

from __future__ import annotations

from typing import Any

from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.monitoring.objectives import AVAILABILITY, recorded_ratio
from aimass_compiler.render.serving.network import service

_ALL = 100
_STEP = "10m"  # longer than the five minutes over which the analysis looks at errors
_FAST_BURN = 14.4
#: Not the port name that the ServiceMonitor looks for: these Services show pods a second time.
_UNSCRAPED_PORT = "traffic"


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
            "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": model, "scaleDown": "onsuccess"},
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
            "args": [{"name": "namespace", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
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
    """What ends a canary: errors that burn the month's budget 14.4 times too fast, as the page does."""
    budget = 1 - serving.objectives.availability.fraction
    selector = f'model="{model}",namespace="{{{{args.namespace}}}}"'
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": model},
        "spec": {
            "args": [{"name": "namespace"}],
            "metrics": [
                {
                    "name": "error-ratio",
                    "interval": "1m",
                    "failureLimit": 2,
                    # No request, no series: a silent model is not a broken one.
                    "successCondition": f"len(result) == 0 || result[0] <= {_FAST_BURN * budget:.6f}",
                    "provider": {
                        "prometheus": {
                            "address": f"http://prometheus-operated.{prometheus_namespace}.svc:9090",
                            "query": f"{recorded_ratio(AVAILABILITY, '5m')}{{{selector}}}",
                        }
                    },
                }
            ],
        },
    }
