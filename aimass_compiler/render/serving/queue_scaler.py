"""How many servers of a language model run: KEDA counts who waits and how full the cache is.

A server that writes one answer is as busy as one that writes eight, so its CPU or GPU says nothing.
Source: https://keda.sh/docs/latest/scalers/prometheus/
"""

from __future__ import annotations

import math
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.pipeline.settings import Prometheus
from aimass_compiler.render.serving.token_times import promised

#: Beyond this share of the cache, answers are thrown out of it and begun again.
FULLEST_CACHE = 0.8
#: Where no time of a token is promised: a text is read at about this pace.
_USUAL_TOKEN_SECONDS = 0.1
_FAILURES = 3


def scaled_object(
    model: str, serving: Serving, target: dict[str, str], prometheus: Prometheus, namespace: str | None
) -> dict[str, Any]:
    """More servers at once when requests wait or the cache fills, fewer one by one after five minutes.

    Where Prometheus does not answer, there are as many as must be. KEDA makes the HorizontalPodAutoscaler.
    """
    replicas = serving.replicas
    slowly = {
        "stabilizationWindowSeconds": 300,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
    }
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": model},
        "spec": {
            "scaleTargetRef": target,
            "minReplicaCount": replicas.min,
            "maxReplicaCount": replicas.max,
            "pollingInterval": 15,
            "fallback": {
                "failureThreshold": _FAILURES,
                "replicas": replicas.min,
                "behavior": "currentReplicasIfHigher",
            },
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": slowly}}},
            "triggers": [
                _trigger(name, query, threshold, prometheus)
                for name, query, threshold in _triggers(model, serving, namespace)
            ],
        },
    }


def _triggers(model: str, serving: Serving, namespace: str | None) -> list[tuple[str, str, float]]:
    prefix = engine_named(serving.engine).metric_prefix
    own = f'{{model="{model}"' + ("" if namespace is None else f',namespace="{namespace}"') + "}"
    return [
        ("waiting", f"sum({prefix}{conventions.METRIC_WAITING}{own})", most_waiting(serving)),
        ("cache", f"sum({prefix}{conventions.METRIC_CACHE_USAGE}{own})", FULLEST_CACHE),
    ]


def most_waiting(serving: Serving) -> int:
    """How many requests may wait at one server, each within the promised time to its first token.

    While a caller waits, every answer that is written gets one token in each time of a token, and all
    `concurrent` of them end after `context` tokens at most: so many places become free by then.
    """
    tightest = min(promised(serving.objectives.first_token).values(), default=0.0)
    token = min(promised(serving.objectives.token).values(), default=_USUAL_TOKEN_SECONDS)
    freed = (serving.concurrent or 1) * tightest / token / (serving.context or 1)
    return max(1, math.floor(freed))


def _trigger(name: str, query: str, threshold: float, prometheus: Prometheus) -> dict[str, Any]:
    """Compared with the threshold for each server, so that the sum says how many there must be."""
    asked = {
        "serverAddress": prometheus.address,
        "query": query,
        "threshold": f"{threshold:g}",
        "ignoreNullValues": "false",  # nothing is no zero: the servers may be starting, or not be scraped
    }
    if prometheus.tenant is not None:
        asked["customHeaders"] = f"X-Scope-OrgID={prometheus.tenant}"
    return {"type": "prometheus", "name": name, "metricType": "AverageValue", "metadata": asked}
