"""The PodMonitor of pods that show their metrics at the port of this name, twice a minute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_compiler import conventions


def monitored_pods(
    name: str, labels: Mapping[str, str], selected: Mapping[str, str], relabelled: Mapping[str, Any]
) -> dict[str, Any]:
    """Scrapes the pods of these labels; `relabelled` is what else its endpoint has, such as `relabelings`.

    Source: https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitor
    """
    endpoint = {
        "port": conventions.PORT_NAME,
        "path": conventions.METRICS_PATH,
        "interval": conventions.SCRAPE_INTERVAL,
        "scrapeTimeout": "10s",
        **relabelled,
    }
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": name, "labels": {**labels}},
        "spec": {
            "jobLabel": conventions.LABEL_NAME,
            "selector": {"matchLabels": {**selected}},
            "podMetricsEndpoints": [endpoint],
        },
    }
