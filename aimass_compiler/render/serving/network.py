"""How requests reach the servers, and what else may: Service, NetworkPolicy, HTTPRoute."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.serving import Gateway, Serving
from aimass_compiler.pipeline.trace_export import Tracing
from aimass_compiler.render.names import serving_selector
from aimass_compiler.render.serving import callers, route_rule

_DNS_PORT = 53
#: HTTP/2 without TLS, by which proxies know what carries gRPC. Source: Kubernetes' KEP-3726
_H2C = "kubernetes.io/h2c"
_LONGEST_MILLISECONDS = 99_999  # a Gateway API duration has at most five digits (GEP-2257)


def service(model: str, name: str, *, grpc: bool = False) -> dict[str, Any]:
    """A stable address inside the cluster; `grpc` where its servers answer that, too."""
    ports = [_port(conventions.PORT_NAME, conventions.PORT, "http")]
    if grpc:
        ports.append(_port(conventions.GRPC_PORT_NAME, conventions.GRPC_PORT, _H2C))
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "type": "ClusterIP",
            "selector": serving_selector(model),
            "ports": ports,
        },
    }


def _port(name: str, number: int, protocol: str) -> dict[str, Any]:
    return {
        "name": name,
        "port": number,
        "targetPort": name,
        "protocol": "TCP",
        "appProtocol": protocol,
    }


def network_policy(model: str, serving: Serving, prometheus_namespace: str) -> dict[str, Any]:
    """Nothing in or out of the servers but requests, scrapes, names, spans, and the keys of issuers."""
    allowed: list[dict[str, Any]] = [{"podSelector": {}}, _namespace(prometheus_namespace)]
    if serving.gateway is not None and serving.gateway.namespace != prometheus_namespace:
        allowed.append(_namespace(serving.gateway.namespace))
    if serving.replicas.idle is not None:
        allowed.append(_namespace(serving.replicas.idle.namespace))
    names = (conventions.PORT_NAME, *([conventions.GRPC_PORT_NAME] if serving.grpc else []))
    ports = [{"port": name, "protocol": "TCP"} for name in names]
    dns = [{"port": _DNS_PORT, "protocol": protocol} for protocol in ("UDP", "TCP")]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": model},
        "spec": {
            "podSelector": {"matchLabels": serving_selector(model)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": allowed, "ports": ports}],
            "egress": [
                {"to": [_namespace("kube-system")], "ports": dns},
                *_to_collector(serving.tracing),
                *_issuers(serving),
            ],
        },
    }


def _to_collector(tracing: Tracing | None) -> Iterator[dict[str, Any]]:
    if tracing is None:
        return
    ports = [{"port": tracing.port, "protocol": "TCP"}]
    where = tracing.namespace
    if where is None:
        yield {"ports": ports}
    else:
        yield {"to": [_namespace(where) if where else {"podSelector": {}}], "ports": ports}


def _issuers(serving: Serving) -> list[dict[str, Any]]:
    """The way out to the keys of issuers, which may be anywhere."""
    ports = [{"port": port, "protocol": "TCP"} for port in callers.fetched_ports(serving.access)]
    return [{"ports": ports}] if ports else []


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {conventions.LABEL_NAMESPACE: name}}}


def paths(model: str, serving: Serving) -> tuple[str, ...]:
    """Where the route from outside leads."""
    if serving.is_of_text:
        return conventions.GENERATION_PATHS
    return f"{conventions.MODELS_PATH}/{model}", conventions.PREDICT_PATH


def route(
    model: str,
    serving: Serving,
    gateway: Gateway,
    backends: Sequence[dict[str, Any]],
    rules: Sequence[route_rule.RouteRule] = (route_rule.ANY,),
    startup_seconds: int = 0,
) -> dict[str, Any]:
    """The route from outside, to `backends` by their weights: predictions only, no metrics, no health.

    One rule for each of the `rules`. gRPC is a rule of the same route beside it: a GRPCRoute may not have a
    host that an HTTPRoute has. Where no server may be up, requests wait so many seconds for one to start.
    """
    filters, found = _mirror(gateway), []
    for rule in rules:
        found.append(_rule(rule, paths(model, serving), serving, backends, filters, startup_seconds))
        if serving.grpc:
            there = [{**backend, "port": conventions.GRPC_PORT} for backend in backends]
            found.append(_rule(route_rule.of_grpc(rule), (conventions.GRPC_PATH,), serving, there, []))
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": model},
        "spec": {
            "parentRefs": [{"name": gateway.name, "namespace": gateway.namespace}],
            "hostnames": [gateway.host],
            "rules": found,
        },
    }


def _rule(
    rule: route_rule.RouteRule,
    prefixes: Sequence[str],
    serving: Serving,
    backends: Sequence[dict[str, Any]],
    filters: Sequence[dict[str, Any]],
    startup_seconds: int = 0,
) -> dict[str, Any]:
    every = [*rule.filters, *filters]
    return {
        **({"name": rule.name} if rule.name else {}),
        "matches": [{"path": {"type": "PathPrefix", "value": path}, **rule.match} for path in prefixes],
        **({"filters": every} if every else {}),
        "timeouts": {"request": _route_timeout(serving, startup_seconds)},
        **({"retry": dict(rule.retry)} if rule.retry else {}),
        "backendRefs": [*backends],
    }


def _mirror(gateway: Gateway) -> list[dict[str, Any]]:
    """The copies that another model gets; whole per cent where they are, as the API prefers."""
    if gateway.mirror is None:
        return []
    share = gateway.mirror.share.amount
    parts = {"fraction": {"numerator": int(share * 1000), "denominator": 100_000}}
    mirrored = {
        "backendRef": service_backend(gateway.mirror.model, None),
        **({"percent": int(share)} if share == int(share) else parts),
    }
    return [{"type": "RequestMirror", "requestMirror": mirrored}]


def service_backend(name: str, weight: int | None) -> dict[str, Any]:
    """With the API server's defaults: whoever puts the object back as it was read does not change it."""
    backend = {"group": "", "kind": "Service", "name": name, "port": conventions.PORT}
    return backend | ({} if weight is None else {"weight": weight})


def _route_timeout(serving: Serving, startup_seconds: int) -> str:
    """A second more than the server's own limit, so that it is the server who says 504, and why."""
    seconds = serving.limits.timeout.seconds + 1 + startup_seconds
    milliseconds = math.ceil(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds <= _LONGEST_MILLISECONDS else f"{math.ceil(seconds)}s"
