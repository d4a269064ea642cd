"""What watches the training job: a PodMonitor, alerts and a dashboard, in the environment where it trains."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions, training_names
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.cached_template import CachedTemplate
from aimass_compiler.render.emit import block, header, json_text
from aimass_compiler.render.monitoring.alerts import AlertContext, rule
from aimass_compiler.render.monitoring.dashboard import dashboard_of
from aimass_compiler.render.monitoring.objectives import selector
from aimass_compiler.render.names import (
    Labels,
    component_label,
    digest,
    own_labels,
    served_labels,
    training_labels,
    wanted_labels,
)
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.pod_monitor import metrics_endpoint, pod_monitor
from aimass_compiler.render.target import Layer, Manifest, Rendered, Target
from aimass_compiler.render.training.job_platform import JobPlatform
from aimass_compiler.render.training.platforms import PLATFORMS
from aimass_compiler.render.training_monitoring.alerts import training_alerts
from aimass_compiler.render.training_monitoring.board import training_panels

_RULES_FILE, _BOARD_FILE = "training-alerts.yaml", "training-dashboard.json"


def render(source: PipelineJson) -> Rendered:
    """What the first environment holds beside its servers; all of it may be the fleet's."""
    pipeline = source.pipeline
    name = next(iter(pipeline.environments), None)
    if name is None or not pipeline.settings.generated.training_job:
        return Rendered()
    if pipeline.settings.monitoring.is_of_fleet:
        return Rendered()
    here = pipeline.environments[name]
    words = (
        pipeline.name,
        name,
        here.namespace,
        *((pipeline.metadata.owner,) if pipeline.metadata.owner else ()),
    )
    labels = wanted_labels(pipeline.settings), own_labels(pipeline.settings)
    rules = header(pipeline.path) + _RULES(words, here.monitoring.runbook, *labels)
    board = _BOARD((pipeline.name, here.namespace, digest(f"{pipeline.name}/training".encode())))
    layer = Layer(
        objects=[_pod_monitor(pipeline)],
        manifests={_RULES_FILE: Manifest(_head(pipeline.name), rules.encode())},
        config_maps=[_config_map(pipeline)],
        files={_BOARD_FILE: board.encode()},
    )
    return Rendered(overlays={name: layer})


def _pod_monitor(pipeline: Pipeline) -> Object:
    """Scrapes the process that runs the stages, and Ray on each node.

    Pods declare no port for it: KubeRay would take that for all that the head's Service is to have. And the
    job of these series is not the model's name, by which its servers are known.
    """
    named = {"targetLabel": "model", "replacement": pipeline.name}
    labels = dict(wanted_labels(pipeline.settings)) | component_label(conventions.COMPONENT_MONITORING)
    asked = endpoints(PLATFORMS[pipeline.job_target], named)
    return pod_monitor(_name(pipeline.name), labels, training_labels(pipeline.name), asked)


def endpoints(platform: JobPlatform, named: Object) -> list[Object]:
    """The ports of an operator's pods; `named` is what says the model, which Ray does not know."""
    ray = _endpoint(platform.ray_in, training_names.RAY_PORT)
    kept = {"sourceLabels": ["__name__"], "action": "keep", "regex": "|".join(training_names.RAY_SERIES)}
    return [
        _endpoint(platform.stages_in, training_names.PORT),
        {**ray, "relabelings": [*ray["relabelings"], named], "metricRelabelings": [kept]},
    ]


def _endpoint(where: tuple[tuple[str, str], ...], port: int) -> dict[str, Any]:
    """A port of the containers whose discovered labels match, at addresses of both families."""
    chosen = [
        {"sourceLabels": [f"__meta_kubernetes_pod_{label}"], "action": "keep", "regex": pattern}
        for label, pattern in where
    ]
    addresses = [
        {
            "sourceLabels": ["__meta_kubernetes_pod_ip"],
            "targetLabel": "__address__",
            "regex": pattern,
            "replacement": f"{written}:{port}",
        }
        for pattern, written in (("(.+)", "$1"), ("(.*:.*)", "[$1]"))
    ]
    return metrics_endpoint({"relabelings": [*chosen, *addresses]})


def _name(model: str) -> str:
    return conventions.TRAINING_ACCOUNT.format(model=model)


def _head(model: str) -> Object:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": _name(model)},
    }


def _config_map(pipeline: Pipeline) -> dict[str, Any]:
    """Grafana knows a dashboard by its file's name, which the key is; an overlay labels nothing for us."""
    model = pipeline.name
    labels = served_labels(model, own_labels(pipeline.settings))
    return {
        "name": f"{_name(model)}-dashboard",
        "files": [f"{_name(model)}.json={_BOARD_FILE}"],
        "options": {
            "disableNameSuffixHash": True,
            "labels": {
                **labels,
                "grafana_dashboard": "1",
                **component_label(conventions.COMPONENT_MONITORING),
            },
        },
    }


def _built_rules(model: str, environment: str, namespace: str, *parts: Any) -> str:
    *owner, runbook, wanted, own = parts
    told = AlertContext(model, environment, namespace, "", "", "", 0, (), runbook, owner[0] if owner else "")
    return block(_rule(told, wanted, own))


def _rule(told: AlertContext, wanted: Labels, own: Labels) -> Object:
    alerts = training_alerts(told.model, told.environment, told.everything)
    group = {
        "name": f"{told.model}.{told.environment}.training",
        "rules": [rule(alert, told) for alert in alerts],
    }
    labels = dict(wanted) | served_labels(told.model, own) | component_label(conventions.COMPONENT_MONITORING)
    head = _head(told.model)
    return {**head, "metadata": {**head["metadata"], "labels": labels}, "spec": {"groups": [group]}}


def _built_board(model: str, namespace: str, identifier: str) -> str:
    pictures = training_panels(selector(model, namespace))
    return json_text(dashboard_of(f"Training of {model}", f"aimass-{identifier}", [model], (), pictures))


_RULES, _BOARD = CachedTemplate(_built_rules), CachedTemplate(_built_board)
TARGET = Target(render=render)
