"""How Prometheus finds the servers: the ServiceMonitor."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.naming import component_label, serving_selector, wanted_labels


def service_monitor(pipeline: Pipeline) -> dict[str, Any]:
    """Scrapes each server twice a minute; the operator's selector wants the organisation's labels."""
    endpoint = {
        "port": conventions.PORT_NAME,
        "path": conventions.METRICS_PATH,
        "interval": conventions.SCRAPE_INTERVAL,
        "scrapeTimeout": "10s",
    }
    labels = dict(wanted_labels(pipeline.settings))
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": pipeline.name, "labels": labels | component_label("monitoring")},
        "spec": {"selector": {"matchLabels": serving_selector(pipeline.name)}, "endpoints": [endpoint]},
    }
