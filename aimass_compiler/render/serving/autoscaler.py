"""How many servers run: HorizontalPodAutoscaler and PodDisruptionBudget."""

from __future__ import annotations

from typing import Any

from aimass_compiler.pipeline.serving import Replicas
from aimass_compiler.render.names import serving_selector

#: With fewer servers a budget would only keep nodes from being drained.
FEWEST_FOR_BUDGET = 2


def horizontal_pod_autoscaler(model: str, replicas: Replicas, target: dict[str, str]) -> dict[str, Any]:
    """More servers at once when they are busy, fewer one by one when they have been idle for five minutes."""
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": model},
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": replicas.min,
            "maxReplicas": replicas.max,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": round(replicas.cpu.percent)},
                    },
                }
            ],
            "behavior": {
                "scaleDown": {
                    "stabilizationWindowSeconds": 300,
                    "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
                }
            },
        },
    }


def disruption_budget(model: str) -> dict[str, Any]:
    """One server at a time leaves for a drained node; one that is unready anyway never blocks the drain."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": model},
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": serving_selector(model)},
        },
    }
