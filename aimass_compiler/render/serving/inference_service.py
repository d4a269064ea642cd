"""A model of rows as KServe's InferenceService, of which its controller makes Deployment and autoscaler.

The pod is ours: what KServe's model servers take cannot hold a model's transforms. So are the Service that
callers know and the route, whose host KServe would name itself; it is told to make none. What it is given
reaches pods from the object's own labels and annotations.
Source: https://kserve.github.io/website/docs/reference/crd-api (v1beta1), and its controllers (0.20)
"""

from __future__ import annotations

import math
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline import Metadata
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.names import annotated
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.serving import event_scaler, workload
from aimass_compiler.render.serving.engine import Served
from aimass_compiler.render.serving.server_platform import ServerPlatform

#: What its controller calls the container that answers.
CONTAINER = "kserve-container"
#: What it calls what it makes for the predictor.
MADE = "{name}-predictor"
_MODE = "serving.kserve.io/deploymentMode"
_SCALER = "serving.kserve.io/autoscalerClass"
_VISIBILITY = "networking.kserve.io/visibility"
#: Beyond what a server asks for.
_CPU_LIMIT = 2


def inference_service(about: Metadata, served: Served) -> dict[str, Any]:
    """The service. Of its notes it has the owner alone: what it is annotated with, its pods are, too."""
    serving, template = served.serving, workload.template(served)
    (container,) = template["spec"]["containers"]
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": served.model,
            "labels": {_VISIBILITY: "cluster-local"},
            "annotations": {_MODE: "Standard", _SCALER: _scaler(serving), **_owner(about)},
        },
        "spec": {
            "predictor": {
                **_scaling(serving),
                "deploymentStrategy": workload.strategy(serving),
                "labels": template["metadata"]["labels"],
                "annotations": {**template["metadata"]["annotations"], workload.SHOWN_FIRST: CONTAINER},
                **template["spec"],
                "containers": [_with_cpu_limit({**container, "name": CONTAINER}, serving)],
            }
        },
    }


def _owner(about: Metadata) -> dict[str, str]:
    """What rules of an organisation ask of the Deployment, which gets it from here."""
    return annotated({conventions.ANNOTATION_OWNER: about.owner}).get("annotations", {})


def _scaler(serving: Serving) -> str:
    """Who counts the servers: nobody, KServe's own autoscaler, or KEDA, whose object is one of ours."""
    if event_scaler.is_used(serving):
        return "external"
    return "none" if serving.replicas.min == serving.replicas.max else "hpa"


def _scaling(serving: Serving) -> dict[str, Any]:
    replicas = serving.replicas
    fewest = replicas.min if replicas.idle is None else 0
    counted = {"minReplicas": fewest, "maxReplicas": replicas.max}
    if _scaler(serving) != "hpa":
        return counted
    return {**counted, "scaleMetric": "cpu", "scaleTarget": round(replicas.cpu.percent)}


def _with_cpu_limit(container: dict[str, Any], serving: Serving) -> dict[str, Any]:
    """With a limit, as KServe else sets one of its own: one core, which is less than some ask for.

    Source: setResourceRequirementDefaults in pkg/apis/serving/v1beta1/inference_service_defaults.go
    """
    cores = max(1, math.ceil(_CPU_LIMIT * serving.resources.cpu.amount))
    resources = container["resources"]
    return {**container, "resources": {**resources, "limits": {"cpu": str(cores), **resources["limits"]}}}


def _noted(service: Object, about: Metadata) -> Object:
    """The Service with what the InferenceService is not annotated with."""
    return {**service, "metadata": {**service["metadata"], **workload.notes(about)}}


def _scaled(model: str) -> dict[str, str]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": MADE.format(name=model)}


PLATFORM = ServerPlatform(workload=inference_service, scaled=_scaled, counts_by_cpu=True, service=_noted)
