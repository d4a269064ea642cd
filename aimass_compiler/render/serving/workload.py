"""The servers themselves under the restricted pod security standard, and the limits that they keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.catalog.language_engine import ONNX, VLLM
from aimass_compiler.pipeline import Metadata
from aimass_compiler.pipeline.pod_settings import PodSettings
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.names import annotated, component_label, serving_selector
from aimass_compiler.render.pod_security import CONTAINER_SECURITY, PULL, pod_security
from aimass_compiler.render.pod_settings import settled
from aimass_compiler.render.serving import own_server, vllm
from aimass_compiler.render.serving.engine import PRE_STOP_SECONDS, Served, ServingEngine
from aimass_compiler.render.serving.server_platform import ServerPlatform

COMPONENT = conventions.COMPONENT_SERVER
CONTAINER = "server"
#: Which container kubectl shows.
SHOWN_FIRST = "kubectl.kubernetes.io/default-container"
_MARGIN_SECONDS = 5
#: Of a Deployment and of a Rollout, where they do not say it.
_USUAL_DEADLINE = 600
_KEYS = (
    "name", "image", "command", "args", "imagePullPolicy", "ports", "env", "resources", "startupProbe",
    "readinessProbe", "livenessProbe", "lifecycle", "securityContext", "volumeMounts",
)  # fmt: skip
#: By what `serving.engine` says; our own servers run what has no engine, too.
_ENGINES: Mapping[str | None, ServingEngine] = {
    None: own_server.ENGINE,
    ONNX.name: own_server.ENGINE,
    VLLM.name: vllm.ENGINE,
}


def engine_of(served: Served) -> ServingEngine:
    """What serves it."""
    return _ENGINES[served.serving.engine]


def deployment(about: Metadata, served: Served) -> dict[str, Any]:
    """The Deployment; who scales it sets the replicas, so they stand here only when nobody does.

    Whose it is and what for is noted beside the pods: another owner restarts none.
    """
    serving, selector = served.serving, serving_selector(about.name)
    replicas = serving.replicas
    is_fixed = replicas.is_fixed and not serving.rollout.canary
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": about.name, **notes(about)},
        "spec": {
            **({"replicas": replicas.min} if is_fixed else {}),
            "revisionHistoryLimit": 5,
            **deadline(served),
            "strategy": strategy(serving),
            "selector": {"matchLabels": selector},
            "template": template(served),
        },
    }


def strategy(serving: Serving) -> dict[str, Any]:
    """How servers of a new version take over at once: none leaves before another is ready."""
    return {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": str(serving.rollout.surge)},
    }


def deadline(served: Served) -> dict[str, int]:
    """When a rollout has failed, where ten minutes are too few: image and weights come first."""
    seconds = _USUAL_DEADLINE // 2 + engine_of(served).startup_seconds(served)
    return {"progressDeadlineSeconds": seconds} if seconds > _USUAL_DEADLINE else {}


def notes(about: Metadata) -> dict[str, Any]:
    """Who owns it and what it is, each on one line."""
    return annotated(
        {
            conventions.ANNOTATION_OWNER: about.owner,
            conventions.ANNOTATION_DESCRIPTION: about.description,
        }
    )


def template(served: Served) -> dict[str, Any]:
    """The template of the pods."""
    found = {
        "metadata": {
            "labels": serving_selector(served.model) | component_label(COMPONENT),
            "annotations": {SHOWN_FIRST: CONTAINER},
        },
        "spec": pod(served),
    }
    return settled(found, served.pods or PodSettings.default())


def pod(served: Served) -> dict[str, Any]:
    """The pod of a server, but for what its environment says of pods."""
    engine = engine_of(served)
    return {
        "serviceAccountName": served.model,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": termination_seconds(served),
        "securityContext": pod_security(served.settings, conventions.RUN_AS_USER),
        "topologySpreadConstraints": [
            _spread(served.model, conventions.LABEL_ZONE, served.serving.replicas.zones),
            _spread(served.model, "kubernetes.io/hostname"),
        ],
        **engine.pod(served),
        "containers": [_container(served, engine)],
        "volumes": [*engine.volumes(served)],
    }


def _spread(model: str, topology: str, fewest: int | None = None) -> dict[str, Any]:
    """Apart where there is room, as a full zone must not keep a server from starting; or in so many."""
    required = {"minDomains": fewest, "whenUnsatisfiable": "DoNotSchedule"}
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        **({"whenUnsatisfiable": "ScheduleAnyway"} if fewest is None else required),
        "labelSelector": {"matchLabels": serving_selector(model)},
        "matchLabelKeys": ["pod-template-hash"],
        "nodeTaintsPolicy": "Honor",
    }


def _container(served: Served, engine: ServingEngine) -> dict[str, Any]:
    told = [{"name": name, "value": value} for name, value in engine.variables(served).items()]
    found = {
        "name": CONTAINER,
        "imagePullPolicy": PULL,
        "ports": _ports(served),
        "env": [*told, *engine.secrets(served)],
        "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}},
        "securityContext": CONTAINER_SECURITY,
        **engine.container(served),
    }
    return {key: found[key] for key in _KEYS if key in found}


def _ports(served: Served) -> list[dict[str, Any]]:
    found = {conventions.PORT_NAME: conventions.PORT}
    if served.serving.grpc:
        found[conventions.GRPC_PORT_NAME] = conventions.GRPC_PORT
    return [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in found.items()]


def termination_seconds(served: Served) -> int:
    """When Kubernetes kills a server that was asked to stop: later than it needs by any path."""
    return PRE_STOP_SECONDS + engine_of(served).drain_seconds(served.serving) + _MARGIN_SECONDS


def variables(served: Served) -> dict[str, str]:
    """The server's environment variables and their values."""
    return engine_of(served).variables(served)


def _scaled(model: str) -> dict[str, str]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": model}


PLATFORM = ServerPlatform(workload=deployment, scaled=_scaled, takes_steps=True)
