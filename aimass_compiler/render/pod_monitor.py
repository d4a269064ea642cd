"""PodMonitors: which pods Prometheus asks for their metrics, and at which ports.

Source: https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitor
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aimass_compiler import conventions


def monitored_pods(
    name: str, labels: Mapping[str, str], selected: Mapping[str, str], relabelled: Mapping[str, Any]
) -> dict[str, Any]:
    """Asks pods that show their metrics at the port of the usual name, in series whose job is their name.

    `relabelled` is what else its endpoint has, such as `relabelings`.
    """
    endpoint = {"port": conventions.PORT_NAME, **metrics_endpoint(relabelled)}
    found = pod_monitor(name, labels, selected, [endpoint])
    return {**found, "spec": {"jobLabel": conventions.LABEL_NAME, **found["spec"]}}


def pod_monitor(
    name: str, labels: Mapping[str, str], selected: Mapping[str, str], endpoints: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Asks the pods that have these labels at these endpoints."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": name, "labels": {**labels}},
        "spec": {"selector": {"matchLabels": {**selected}}, "podMetricsEndpoints": [*endpoints]},
    }


def metrics_endpoint(relabelled: Mapping[str, Any]) -> dict[str, Any]:
    """Where and how often a pod is asked, of a port that is named beside this or by `relabelings`."""
    return {
        "path": conventions.METRICS_PATH,
        "interval": conventions.SCRAPE_INTERVAL,
        "scrapeTimeout": "10s",
        **relabelled,
    }
