"""What watches the model: ServiceMonitor, alert rules with their tests, and a dashboard."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.emit import emit, emit_json
from aimass_compiler.render.monitoring.alert_tests import alert_tests
from aimass_compiler.render.monitoring.alerts import Watched
from aimass_compiler.render.monitoring.dashboard import dashboard
from aimass_compiler.render.monitoring.findings import EXPLANATIONS, findings
from aimass_compiler.render.monitoring.rules import groups, prometheus_rule
from aimass_compiler.render.naming import common_labels, kustomization, serving_selector
from aimass_compiler.render.shared import Shared

__all__ = ["EXPLANATIONS", "findings", "render"]

_COMPONENT = "monitoring"


def render(shared: Shared) -> dict[str, bytes]:
    """Scraping is alike everywhere; rules and dashboard name the namespace, so each overlay has its own."""
    pipeline, name = shared.pipeline, shared.pipeline.name
    files = {
        "base/monitoring/kustomization.yaml": emit(
            kustomization([("resources", ["servicemonitor.yaml"])]), name
        ),
        "base/monitoring/servicemonitor.yaml": emit(_service_monitor(pipeline), name),
    }
    for environment, running in pipeline.environments.items():
        files |= _environment(pipeline, Watched(name, environment, running))
    return files


def _environment(pipeline: Pipeline, watched: Watched) -> dict[str, bytes]:
    name, environment = watched.model, watched.environment
    folder = f"overlays/{environment}/monitoring"
    rule = prometheus_rule(watched, pipeline.settings.prometheus.labels)
    return {
        f"{folder}/kustomization.yaml": emit(_kustomization(pipeline, environment), name),
        f"{folder}/prometheusrule.yaml": emit(rule, name),
        f"{folder}/dashboard.json": emit_json(dashboard(watched)),
        f"monitoring/{environment}.rules.yaml": emit({"groups": groups(watched)}, name),
        f"monitoring/{environment}.test.yaml": emit(alert_tests(watched, f"{environment}.rules.yaml"), name),
    }


def _kustomization(pipeline: Pipeline, environment: str) -> dict[str, Any]:
    """Grafana knows a dashboard by its file's name, so the file carries model and environment."""
    generated = {
        "name": f"{pipeline.name}-dashboard",
        "files": [f"{pipeline.name}-{environment}.json=dashboard.json"],
        "options": {"disableNameSuffixHash": True, "labels": {"grafana_dashboard": "1"}},
    }
    return kustomization(
        (
            ("resources", ["prometheusrule.yaml"]),
            ("labels", [{"pairs": serving_selector(pipeline.name) | common_labels(pipeline, _COMPONENT)}]),
            ("configMapGenerator", [generated]),
        )
    )


def _service_monitor(pipeline: Pipeline) -> dict[str, Any]:
    endpoint = {
        "port": conventions.PORT_NAME,
        "path": conventions.METRICS_PATH,
        "interval": "30s",
        "scrapeTimeout": "10s",
    }
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {
            "name": pipeline.name,
            "labels": dict(sorted(pipeline.settings.prometheus.labels.items())),
        },
        "spec": {"selector": {"matchLabels": serving_selector(pipeline.name)}, "endpoints": [endpoint]},
    }
