"""How Prometheus finds all models and their training jobs: a ScrapeConfig and a PodMonitor for the fleet."""

from __future__ import annotations

import re
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.pod_monitor import pod_monitor
from aimass_compiler.render.training.platforms import PLATFORMS
from aimass_compiler.render.training_monitoring import endpoints

_SERVICE, _POD = "__meta_kubernetes_service", "__meta_kubernetes_pod"
_ANNOTATION = _SERVICE + "_annotation{present}_{key}"
#: Where Prometheus answers itself, and asking for a series that there is not.
_ITSELF, _NOTHING = "localhost:9090", {"match[]": ['{__name__="aimass:none"}']}
_EVERY = "1m"


def scrape_config(name: str, labels: dict[str, str]) -> dict[str, Any]:
    """Makes a target of each Service with a model's annotations, which become its labels.

    Nothing is asked of the Service: a target is known whether or not a server is there to answer. So
    Prometheus asks itself, for nothing.
    """
    return {
        "apiVersion": "monitoring.coreos.com/v1alpha1",
        "kind": "ScrapeConfig",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "jobName": conventions.JOB_DECLARED,
            "scrapeInterval": _EVERY,
            "metricsPath": "/federate",
            "params": _NOTHING,
            "kubernetesSDConfigs": [
                {"role": "Service", "selectors": [{"role": "Service", "label": conventions.LABEL_MODEL}]}
            ],
            "relabelings": [
                {"action": "Keep", "sourceLabels": [_annotation("model", "present")], "regex": "true"},
                {"action": "LabelMap", "regex": _annotation("(.+)")},
                _taken("__meta_kubernetes_namespace", "namespace"),
                _taken(f"{_SERVICE}_label_{_as_label(conventions.LABEL_ENVIRONMENT)}", "environment"),
                {"targetLabel": "__address__", "replacement": _ITSELF},
            ],
        },
    }


def training_monitor(name: str, labels: dict[str, str]) -> dict[str, Any]:
    """Scrapes the training jobs of all models, on all platforms."""
    named = _taken(f"{_POD}_label_{_as_label(conventions.LABEL_MODEL)}", "model")
    chosen = {
        conventions.LABEL_COMPONENT: conventions.COMPONENT_TRAINING,
        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
    }
    asked = [endpoint for platform in PLATFORMS.values() for endpoint in endpoints(platform, named)]
    found = pod_monitor(name, labels, chosen, asked)
    return {**found, "spec": {"namespaceSelector": {"any": True}, **found["spec"]}}


def _annotation(label: str, present: str = "") -> str:
    key = _as_label(conventions.ANNOTATION_DECLARED.format("")) + label
    return _ANNOTATION.format(present=present, key=key)


def _taken(source: str, label: str) -> dict[str, Any]:
    return {"sourceLabels": [source], "targetLabel": label}


def _as_label(key: str) -> str:
    """As Prometheus writes the key of a label or an annotation."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", key)
