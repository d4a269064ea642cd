"""How the Prometheus operator reads a ServiceMonitor, and what Kubernetes tells it of the pods of a Service.

The relabelling is what v0.93 of the operator writes, from `generateServiceMonitorConfig` in its
pkg/prometheus/promcfg.go; the labels of targets are those of Prometheus' discovery by the role `endpoints`:
https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monitoring.clock import faster

Object = Mapping[str, Any]
_SERVICE, _ENDPOINT, _POD = "__meta_kubernetes_service", "__meta_kubernetes_endpoint", "__meta_kubernetes_pod"


@dataclass(frozen=True)
class Pod:
    """A replica, and where it can be reached here."""

    name: str
    address: str


def scrape_config(monitor: Object, services: list[Object], pods: list[Pod], times: float) -> dict[str, Any]:
    """The operator's scrape configuration of the monitor's only endpoint, on a faster clock."""
    (endpoint,) = monitor["spec"]["endpoints"]
    namespace, name = (monitor["metadata"][key] for key in ("namespace", "name"))
    interval = faster(endpoint["interval"], times)
    return {
        "job_name": f"serviceMonitor/{namespace}/{name}/0",
        "honor_labels": False,
        "scrape_interval": interval,
        # The timeout would be a third of that, too little for a machine that does other things.
        "scrape_timeout": interval,
        "metrics_path": endpoint["path"],
        "relabel_configs": list(_relabelled(monitor["spec"], endpoint)),
        "static_configs": [target for service in services for target in _targets(service, pods)],
    }


def _relabelled(spec: Object, endpoint: Object) -> Iterator[dict[str, Any]]:
    yield {"source_labels": ["job"], "target_label": "__tmp_prometheus_job_name"}
    for key, value in sorted(spec["selector"]["matchLabels"].items()):
        label = _sanitized(key)
        sources = [f"{_SERVICE}_label_{label}", f"{_SERVICE}_labelpresent_{label}"]
        yield {"action": "keep", "source_labels": sources, "regex": f"({value});true"}
    yield {"action": "keep", "source_labels": [f"{_ENDPOINT}_port_name"], "regex": endpoint["port"]}
    kind = [f"{_ENDPOINT}_address_target_kind", f"{_ENDPOINT}_address_target_name"]
    for found, label in (("Node", "node"), ("Pod", "pod")):
        yield {
            "source_labels": kind,
            "separator": ";",
            "regex": f"{found};(.*)",
            "replacement": "${1}",
            "target_label": label,
        }
    for source, label in (
        ("__meta_kubernetes_namespace", "namespace"),
        (f"{_SERVICE}_name", "service"),
        (f"{_POD}_name", "pod"),
        (f"{_POD}_container_name", "container"),
    ):
        yield {"source_labels": [source], "target_label": label}
    yield {"action": "drop", "source_labels": [f"{_POD}_phase"], "regex": "(Failed|Succeeded)"}
    yield {"source_labels": [f"{_SERVICE}_name"], "target_label": "job", "replacement": "${1}"}
    yield {"target_label": "endpoint", "replacement": endpoint["port"]}


def _targets(service: Object, pods: list[Pod]) -> Iterator[dict[str, Any]]:
    about = service["metadata"]
    labels = {
        "__meta_kubernetes_namespace": about["namespace"],
        f"{_SERVICE}_name": about["name"],
        f"{_ENDPOINT}_address_target_kind": "Pod",
        f"{_POD}_phase": "Running",
        f"{_POD}_container_name": "server",
    }
    for key, value in about["labels"].items():
        labels |= {
            f"{_SERVICE}_label_{_sanitized(key)}": value,
            f"{_SERVICE}_labelpresent_{_sanitized(key)}": "true",
        }
    for port in service["spec"]["ports"]:
        for pod in pods:
            own = {f"{_POD}_name": pod.name, f"{_ENDPOINT}_address_target_name": pod.name}
            named = {f"{_ENDPOINT}_port_name": port["name"]}
            yield {"targets": [pod.address], "labels": labels | own | named}


def _sanitized(label: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", label)
