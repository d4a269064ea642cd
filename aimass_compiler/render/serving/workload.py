"""The servers themselves: Deployment and ServiceAccount, under the restricted pod security standard."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.monitoring import Monitoring
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.naming import component_label, serving_selector
from aimass_compiler.render.security import CONTAINER_SECURITY, PULL, TMP_MOUNT, pod_security, tmp_volume
from aimass_compiler.render.serving.limits import FAREWELL_SECONDS, termination_seconds, variables

COMPONENT = "server"
CONTAINER = "server"


def service_account(model: str) -> dict[str, Any]:
    """An identity of its own, which may do nothing."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": model},
        "automountServiceAccountToken": False,
    }


def deployment(model: str, serving: Serving, monitoring: Monitoring, settings: Settings) -> dict[str, Any]:
    """The Deployment; who scales it sets the replicas, so they stand here only when nobody does."""
    selector = serving_selector(model)
    replicas = serving.replicas
    is_fixed = replicas.min == replicas.max and not serving.rollout.canary
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": model},
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
        "volumes": [tmp_volume("64Mi")],
    }


def _spread(model: str, topology: str) -> dict[str, Any]:
    """Apart where there is room: a full zone must not keep a server from starting."""
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": serving_selector(model)},
        "matchLabelKeys": ["pod-template-hash"],
    }


def _container(model: str, serving: Serving, monitoring: Monitoring) -> dict[str, Any]:
    return {
        "name": CONTAINER,
        "image": model,
        "imagePullPolicy": PULL,
        "ports": [{"name": conventions.PORT_NAME, "containerPort": conventions.PORT, "protocol": "TCP"}],
        "env": [{"name": name, "value": value} for name, value in variables(serving, monitoring).items()],
        "resources": _resources(serving),
        **_probes(),
        "lifecycle": {"preStop": {"sleep": {"seconds": FAREWELL_SECONDS}}},
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [TMP_MOUNT],
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
