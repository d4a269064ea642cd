"""What watches all models, once for each cluster: alert rules, and dashboards in which the viewer chooses.

None of it depends on which models there are, so that a change of one model changes none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.fleet.monitoring.alerts import alert_groups
from aimass_compiler.fleet.monitoring.boards import boards
from aimass_compiler.fleet.monitoring.records import record_groups
from aimass_compiler.fleet.monitoring.targets import scrape_config, training_monitor
from aimass_compiler.fleet.part import Fleet, FleetPart
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.render.emit import block, blocks, emit_json, header_of
from aimass_compiler.render.names import component_label, kustomization, own_labels, wanted_labels

#: What the object is called, and what the name of everything else begins with.
NAME = "aimass-fleet"
_RULES_FILE, _TARGETS_FILE = "rules.yaml", "targets.yaml"


def _is_wanted(organisation: Organisation) -> bool:
    """Whether rules are the fleet's."""
    return organisation.settings.monitoring.is_of_fleet


def _render(fleet: Fleet) -> Mapping[str, bytes]:
    """A kustomization with the rules, what Prometheus finds models by, and the dashboards."""
    files = {f"{name}.json": emit_json(document) for name, document in boards().items()}
    files[_RULES_FILE] = _written(prometheus_rule(fleet.organisation))
    labels = _wanted(fleet.organisation)
    targets = scrape_config(NAME, labels), training_monitor(f"{NAME}-training", labels)
    files[_TARGETS_FILE] = (header_of(conventions.SETTINGS_FILE) + blocks(targets)).encode()
    files["kustomization.yaml"] = _written(_kustomization(fleet.organisation, sorted(boards())))
    return files


def _rule_groups() -> list[dict[str, Any]]:
    """All groups, as Prometheus and promtool read them."""
    return [*record_groups(), *alert_groups()]


def rule_file() -> dict[str, bytes]:
    """The rules as a file that Prometheus and promtool read."""
    return {_RULES_FILE: _written({"groups": _rule_groups()})}


def prometheus_rule(organisation: Organisation) -> dict[str, Any]:
    """The groups as the Prometheus Operator takes them, with the labels by which it finds them."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": NAME, "labels": _wanted(organisation)},
        "spec": {"groups": _rule_groups()},
    }


def _kustomization(organisation: Organisation, shown: list[str]) -> dict[str, Any]:
    """Grafana knows a dashboard by its file's name, which the key is: all are called after the fleet."""
    generators = [
        {
            "name": f"{NAME}-{name}",
            "files": [f"{NAME}-{name}.json={name}.json"],
            "options": {
                "disableNameSuffixHash": True,
                "labels": {"grafana_dashboard": "1", **_labels(organisation)},
            },
        }
        for name in shown
    ]
    return kustomization(
        (
            ("namespace", organisation.settings.prometheus.namespace),
            ("resources", [_RULES_FILE, _TARGETS_FILE]),
            ("configMapGenerator", generators),
        )
    )


def _wanted(organisation: Organisation) -> dict[str, str]:
    """The labels of what Prometheus is to find."""
    return dict(wanted_labels(organisation.settings)) | _labels(organisation)


def _labels(organisation: Organisation) -> dict[str, str]:
    ours = {conventions.LABEL_NAME: NAME, conventions.LABEL_MANAGED_BY: conventions.MANAGER}
    return dict(own_labels(organisation.settings)) | ours | component_label(conventions.COMPONENT_MONITORING)


def _written(document: Mapping[str, Any]) -> bytes:
    return (header_of(conventions.SETTINGS_FILE) + block(document)).encode()


PART = FleetPart(is_wanted=_is_wanted, render=_render, applied="")
