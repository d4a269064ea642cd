"""How the Prometheus operator reads a PodMonitor, and what Kubernetes tells it of pods.

The relabelling is what v0.93 of the operator writes, from `generatePodMonitorConfig` in its
pkg/prometheus/promcfg.go; the labels of targets are those of Prometheus' discovery by the role `pod`:
https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aimass_compiler import training_names
from tests.harness.prometheus.clock import faster

Object = Mapping[str, Any]
_POD = "__meta_kubernetes_pod"


@dataclass(frozen=True)
class Pod:
    """A replica, and where it can be reached here."""

    name: str
    address: str


def scrape_config(monitor: Object, deployment: Object, pods: list[Pod], times: float) -> dict[str, Any]:
    """The operator's scrape configuration of the monitor's only endpoint, on a faster clock."""
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    namespace, name = (monitor["metadata"][key] for key in ("namespace", "name"))
    interval = faster(endpoint["interval"], times)
    return {
        "job_name": f"podMonitor/{namespace}/{name}/0",
        "honor_labels": False,
        "scrape_interval": interval,
        # The timeout would be a third of that, too little for a machine that does other things.
        "scrape_timeout": interval,
        "metrics_path": endpoint["path"],
        "relabel_configs": list(_relabelled(monitor, endpoint)),
        "static_configs": list(_targets(deployment, pods)),
    }


def training_scrape_config(
    monitor: Object, template: Object, namespace: str, port: int, times: float
) -> dict[str, Any]:
    """The same of the process that runs the stages of a training job, which listens here at another port."""
    endpoint = monitor["spec"]["podMetricsEndpoints"][0]
    placed = json.loads(json.dumps(endpoint).replace(f":{training_names.PORT}", f":{port}"))
    monitored = {**monitor, "metadata": {**monitor["metadata"], "namespace": namespace}}
    (container,) = template["spec"]["containers"]
    labels = {
        "__meta_kubernetes_namespace": namespace,
        f"{_POD}_name": f"{container['name']}-x2x7k",
        f"{_POD}_ip": "127.0.0.1",
        f"{_POD}_phase": "Running",
        f"{_POD}_container_name": container["name"],
    }
    return {
        "job_name": "training",
        "scrape_interval": faster(endpoint["interval"], times),
        "scrape_timeout": faster(endpoint["scrapeTimeout"], times),
        "metrics_path": endpoint["path"],
        "relabel_configs": list(_relabelled(monitored, placed)),
        "static_configs": [{"targets": ["127.0.0.1:1"], "labels": labels | _pod_labels(template)}],
    }


def _pod_labels(template: Object) -> dict[str, str]:
    """What Kubernetes tells of the labels of pods."""
    found = {}
    for key, value in template["metadata"]["labels"].items():
        found[f"{_POD}_label_{_sanitized(key)}"] = value
        found[f"{_POD}_labelpresent_{_sanitized(key)}"] = "true"
    return found


def _relabelled(monitor: Object, endpoint: Object) -> Iterator[dict[str, Any]]:
    spec = monitor["spec"]
    yield {"source_labels": ["job"], "target_label": "__tmp_prometheus_job_name"}
    yield {"action": "drop", "source_labels": [f"{_POD}_phase"], "regex": "(Failed|Succeeded)"}
    for key, value in sorted(spec["selector"]["matchLabels"].items()):
        label = _sanitized(key)
        sources = [f"{_POD}_label_{label}", f"{_POD}_labelpresent_{label}"]
        yield {"action": "keep", "source_labels": sources, "regex": f"({value});true"}
    if "port" in endpoint:
        yield {"action": "keep", "source_labels": [f"{_POD}_container_port_name"], "regex": endpoint["port"]}
    for source, label in (
        ("__meta_kubernetes_namespace", "namespace"),
        (f"{_POD}_container_name", "container"),
        (f"{_POD}_name", "pod"),
    ):
        yield {"source_labels": [source], "target_label": label}
    own = "/".join(monitor["metadata"][key] for key in ("namespace", "name"))
    yield {"target_label": "job", "replacement": own}
    if "jobLabel" in spec:
        source = f"{_POD}_label_{_sanitized(spec['jobLabel'])}"
        yield {"source_labels": [source], "target_label": "job", "regex": "(.+)", "replacement": "${1}"}
    if "port" in endpoint:
        yield {"target_label": "endpoint", "replacement": endpoint["port"]}
    for each in endpoint.get("relabelings", ()):
        yield {_snake(key): value for key, value in each.items()}


def _snake(key: str) -> str:
    """`targetLabel` as Prometheus writes it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()


def _targets(deployment: Object, pods: list[Pod]) -> Iterator[dict[str, Any]]:
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]
    labels = {
        "__meta_kubernetes_namespace": deployment["metadata"]["namespace"],
        f"{_POD}_phase": "Running",
        f"{_POD}_container_name": container["name"],
    }
    labels |= _pod_labels(template)
    for port in container["ports"]:
        for pod in pods:
            own = {f"{_POD}_name": pod.name, f"{_POD}_container_port_name": port["name"]}
            yield {"targets": [pod.address], "labels": labels | own}


def _sanitized(label: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", label)
