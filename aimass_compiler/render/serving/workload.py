"""The servers themselves under the restricted pod security standard, and the limits that they keep."""

from __future__ import annotations

import math
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline import Metadata
from aimass_compiler.pipeline.monitoring import Monitoring
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.names import component_label, serving_selector
from aimass_compiler.render.pod_security import CONTAINER_SECURITY, PULL, TMP_MOUNT, pod_security, tmp_volume

COMPONENT = "server"
CONTAINER = "server"
PACKAGE_VOLUME = "model"
#: Until every proxy has heard that a pod is going, it is still sent requests.
PRE_STOP_SECONDS = 5
_MARGIN_SECONDS = 5
_PACKAGE_MOUNT = {"name": PACKAGE_VOLUME, "mountPath": conventions.IMAGE_PACKAGE_FOLDER, "readOnly": True}


def service_account(model: str) -> dict[str, Any]:
    """An identity of its own, which may do nothing."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": model},
        "automountServiceAccountToken": False,
    }


def deployment(
    about: Metadata, serving: Serving, monitoring: Monitoring, settings: Settings
) -> dict[str, Any]:
    """The Deployment; who scales it sets the replicas, so they stand here only when nobody does.

    Whose it is and what for is noted beside the pods: another owner restarts none.
    """
    model, selector = about.name, serving_selector(about.name)
    replicas = serving.replicas
    is_fixed = replicas.min == replicas.max and not serving.rollout.canary
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": model, **_notes(about)},
        "spec": {
            **({"replicas": replicas.min} if is_fixed else {}),
            "revisionHistoryLimit": 5,
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": str(serving.rollout.surge)},
            },
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {
                    "labels": selector | component_label(COMPONENT),
                    "annotations": {"kubectl.kubernetes.io/default-container": CONTAINER},
                },
                "spec": _pod(model, serving, monitoring, settings),
            },
        },
    }


def _notes(about: Metadata) -> dict[str, Any]:
    """On one line, without control characters: Kustomize writes none."""
    noted = {
        conventions.ANNOTATION_OWNER: about.owner,
        conventions.ANNOTATION_DESCRIPTION: about.description,
    }
    lines = {key: " ".join(text.split()) for key, text in noted.items()}
    found = {key: "".join(filter(str.isprintable, line)) for key, line in lines.items() if line}
    return {"annotations": found} if found else {}


def _pod(model: str, serving: Serving, monitoring: Monitoring, settings: Settings) -> dict[str, Any]:
    return {
        "serviceAccountName": model,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": termination_seconds(serving),
        "securityContext": pod_security(settings, conventions.RUN_AS_USER),
        "topologySpreadConstraints": [
            _spread(model, "topology.kubernetes.io/zone"),
            _spread(model, "kubernetes.io/hostname"),
        ],
        "containers": [_container(model, serving, monitoring)],
        "volumes": [tmp_volume("64Mi"), *_package_volumes(model, serving)],
    }


def _package_volumes(model: str, serving: Serving) -> list[dict[str, Any]]:
    """The package's image, whose name the release replaces like that of a container."""
    if serving.model == "image":
        return []
    return [{"name": PACKAGE_VOLUME, "image": {"reference": model, "pullPolicy": PULL}}]


def _spread(model: str, topology: str) -> dict[str, Any]:
    """Apart where there is room: a full zone must not keep a server from starting."""
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": serving_selector(model)},
        "matchLabelKeys": ["pod-template-hash"],
        "nodeTaintsPolicy": "Honor",
    }


def _container(model: str, serving: Serving, monitoring: Monitoring) -> dict[str, Any]:
    is_mounted = serving.model == "volume"
    return {
        "name": CONTAINER,
        "image": conventions.SERVER_IMAGE if is_mounted else model,
        "imagePullPolicy": PULL,
        "ports": [{"name": conventions.PORT_NAME, "containerPort": conventions.PORT, "protocol": "TCP"}],
        "env": [{"name": name, "value": value} for name, value in variables(serving, monitoring).items()],
        "resources": _resources(serving),
        **_probes(),
        "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}},
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [TMP_MOUNT, *([_PACKAGE_MOUNT] if is_mounted else [])],
    }


def _resources(serving: Serving) -> dict[str, Any]:
    """No CPU limit: the request is a guaranteed share, a limit would only stall answers on idle nodes."""
    memory = str(serving.resources.memory)
    return {
        "requests": {"cpu": str(serving.resources.cpu), "memory": memory, "ephemeral-storage": "64Mi"},
        "limits": {"memory": memory, "ephemeral-storage": "512Mi"},
    }


def _probes() -> dict[str, Any]:
    """Two minutes to load the model; then unready after 10 s and restarted after a minute without an answer.

    A server that is starved of CPU answers late: restarting it would leave the others even less.
    """
    ready = {"path": conventions.READY_PATH, "port": conventions.PORT_NAME}
    live = {"path": conventions.LIVE_PATH, "port": conventions.PORT_NAME}
    return {
        "startupProbe": {"httpGet": ready, "periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {"httpGet": ready, "periodSeconds": 5, "timeoutSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {"httpGet": live, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
    }


def drain_seconds(serving: Serving) -> int:
    """When a server that was asked to stop is gone at the latest.

    It stays until callers have learned to go elsewhere, and twice as long for those who had just connected;
    the last of them may ask just before, and is answered.
    """
    return math.ceil(3 * conventions.STAY_SECONDS + serving.limits.timeout.seconds) + 1


def termination_seconds(serving: Serving) -> int:
    """When Kubernetes kills a server that was asked to stop: later than it needs by any path."""
    return PRE_STOP_SECONDS + drain_seconds(serving) + _MARGIN_SECONDS


def variables(serving: Serving, monitoring: Monitoring) -> dict[str, str]:
    """The server's environment variables and their values."""
    explained = serving.explanations
    return {
        **({} if explained is None else {conventions.VARIABLE_EXPLAINED_ROWS: str(explained.rows)}),
        conventions.VARIABLE_CONCURRENCY: str(serving.limits.concurrency),
        conventions.VARIABLE_TIMEOUT_SECONDS: _plain(serving.limits.timeout.seconds),
        conventions.VARIABLE_BODY_BYTES: str(serving.limits.body.size),
        conventions.VARIABLE_PREDICTION_SAMPLE: _plain(serving.logs.predictions.sample),
        conventions.VARIABLE_DRIFT_WINDOW_SECONDS: str(math.ceil(monitoring.drift.window.seconds)),
        conventions.VARIABLE_DRAIN_SECONDS: str(drain_seconds(serving)),
        conventions.VARIABLE_STAY_SECONDS: str(conventions.STAY_SECONDS),
    }


def _plain(number: float) -> str:
    """A decimal number without an exponent, which not every reader of variables knows."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
