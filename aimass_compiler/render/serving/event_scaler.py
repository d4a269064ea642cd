"""How many servers run by what KEDA watches: requests, hours of the day, and whether requests come.

KEDA makes the HorizontalPodAutoscaler. Its HTTP add-on holds requests while no server is up.
Sources: https://keda.sh/docs/latest/reference/scaledobject-spec, https://keda.sh/http-add-on
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.render.serving.queue_scaler import questions

if TYPE_CHECKING:
    from aimass_compiler.pipeline.scheduled_servers import Idle, ScheduledServers
    from aimass_compiler.pipeline.serving import Gateway, Serving
    from aimass_compiler.pipeline.settings import Prometheus

_FAILURES = 3
#: What the HTTP add-on calls its Services: the one that requests go through, and the one that KEDA asks.
_PROXY, _PROXY_PORT = "keda-add-ons-http-interceptor-proxy", 8080
_SCALER, _SCALER_PORT = "keda-add-ons-http-external-scaler", 9090
_SLOWLY = {
    "stabilizationWindowSeconds": 300,
    "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
}


def is_used(serving: Serving) -> bool:
    """Whether KEDA decides: by events, or because the CPU of a language model says nothing."""
    replicas = serving.replicas
    return replicas.by_events or (replicas.min < replicas.max and _is_of_text(serving))


def _is_of_text(serving: Serving) -> bool:
    return serving.engine is not None and serving.context is not None


def scaled_object(
    model: str, serving: Serving, target: dict[str, str], prometheus: Prometheus, namespace: str | None
) -> dict[str, Any]:
    """More servers at once when there is a reason, fewer one by one after five minutes without one.

    Where Prometheus does not answer, there are as many as must be.
    """
    replicas = serving.replicas
    asked = [_asking(*each, prometheus, serving) for each in _questions(model, serving, namespace)]
    fallback = {
        "failureThreshold": _FAILURES,
        "replicas": replicas.min,
        "behavior": "currentReplicasIfHigher",
    }
    idle = replicas.idle
    resting = {} if idle is None else {"cooldownPeriod": math.ceil(idle.after.seconds), "idleReplicaCount": 0}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": model},
        "spec": {
            "scaleTargetRef": target,
            "minReplicaCount": replicas.min,
            "maxReplicaCount": replicas.max,
            "pollingInterval": 15,
            **resting,
            **({"fallback": fallback} if asked else {}),
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": _SLOWLY}}},
            "triggers": [*asked, *_others(model, serving)],
        },
    }


def _questions(model: str, serving: Serving, namespace: str | None) -> Iterator[tuple[str, str, float]]:
    """What Prometheus is asked, by a name, and the most of it at one server."""
    own = f'{{model="{model}"' + ("" if namespace is None else f',namespace="{namespace}"') + "}"
    replicas, is_of_text = serving.replicas, _is_of_text(serving)
    if is_of_text and replicas.min < replicas.max:
        yield from questions(serving, own)
    if replicas.requests is not None:
        names = [conventions.METRIC_IN_FLIGHT]
        if is_of_text:
            prefix = engine_named(serving.engine).metric_prefix
            names = [f"{prefix}{name}" for name in (conventions.METRIC_RUNNING, conventions.METRIC_WAITING)]
        yield "requests", " + ".join(f"sum({name}{own})" for name in names), replicas.requests


def _asking(
    name: str, query: str, threshold: float, prometheus: Prometheus, serving: Serving
) -> dict[str, Any]:
    """Compared with the threshold for each server, so that the sum says how many there must be."""
    # Nothing is no zero, as servers may be starting or not be scraped; but where none may run, it is.
    is_zero = serving.replicas.idle is not None
    asked = {
        "serverAddress": prometheus.address,
        "query": query,
        "threshold": f"{threshold:g}",
        "ignoreNullValues": "true" if is_zero else "false",
    }
    if prometheus.tenant is not None:
        asked["customHeaders"] = f"X-Scope-OrgID={prometheus.tenant}"
    return {"type": "prometheus", "name": name, "metricType": "AverageValue", "metadata": asked}


def _others(model: str, serving: Serving) -> Iterator[dict[str, Any]]:
    replicas = serving.replicas
    if replicas.min < replicas.max and not _is_of_text(serving):
        busy = {"value": f"{round(replicas.cpu.percent)}"}
        yield {"type": "cpu", "name": "cpu", "metricType": "Utilization", "metadata": busy}
    for number, hours in enumerate(replicas.schedule, 1):
        yield {"type": "cron", "name": f"hours-{number}", "metadata": _cron(hours)}
    if replicas.idle is not None:
        address = f"{_SCALER}.{replicas.idle.namespace}:{_SCALER_PORT}"
        metadata = {"scalerAddress": address, "interceptorRoute": model}
        yield {"type": "external-push", "name": "asked", "metadata": metadata}


def _cron(hours: ScheduledServers) -> dict[str, str]:
    return {
        "timezone": hours.timezone,
        "start": hours.start,
        "end": hours.end,
        "desiredReplicas": str(hours.servers),
    }


def interceptor_route(model: str, serving: Serving, gateway: Gateway, startup_seconds: int) -> dict[str, Any]:
    """What the HTTP add-on holds requests for, counts them by, and how long it waits for a server."""
    whole = startup_seconds + math.ceil(serving.limits.timeout.seconds) + 1
    return {
        "apiVersion": "http.keda.sh/v1beta1",
        "kind": "InterceptorRoute",
        "metadata": {"name": model},
        "spec": {
            "target": {"service": model, "port": conventions.PORT},
            "rules": [{"hosts": [gateway.host]}],
            "scalingMetric": {
                "concurrency": {"targetValue": serving.replicas.requests or serving.limits.concurrency}
            },
            "timeouts": {"readiness": f"{startup_seconds}s", "request": f"{whole}s"},
        },
    }


def holding_backend(idle: Idle) -> dict[str, Any]:
    """The Service that holds requests; a ReferenceGrant in its namespace must let routes lead there."""
    return {
        "group": "",
        "kind": "Service",
        "name": _PROXY,
        "namespace": idle.namespace,
        "port": _PROXY_PORT,
    }


def reasons(serving: Serving, startup_seconds: int) -> tuple[str, ...]:
    """What changes the number of servers beside CPU, in words."""
    replicas, found = serving.replicas, []
    if replicas.requests is not None:
        found.append(f"{replicas.requests} requests in flight at a server")
    found += [
        f"{each.servers} servers from `{each.start}` to `{each.end}` ({each.timezone})"
        for each in replicas.schedule
    ]
    if replicas.idle is not None:
        rest = f"none once no request came for {replicas.idle.after}"
        found.append(f"{rest}: the next request then waits for a server, up to {startup_seconds} s")
    return tuple(found)
