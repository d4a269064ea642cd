"""A language model as KServe's LLMInferenceService, whose controller makes Deployment and route of it.

The pod is ours, package and command line too, so that KServe serves what was certified; its downloading of
models is therefore off. Source: https://kserve.github.io/website/docs/reference/crd-api (v1alpha2)
"""

from __future__ import annotations

from typing import Any

from aimass_compiler.pipeline import Metadata
from aimass_compiler.render.serving import workload
from aimass_compiler.render.serving.engine import Served

#: What its controller calls the container of the engine.
_CONTAINER = "main"


def llm_inference_service(about: Metadata, served: Served) -> dict[str, Any]:
    """The service, with the pods that the engine's Deployment would have."""
    serving, name = served.serving, about.name
    template = workload.template(served)
    (container,) = template["spec"]["containers"]
    pod = {**template["spec"], "containers": [{**container, "name": _CONTAINER}]}
    route: dict[str, Any] = {"route": {"http": {}}}
    if serving.gateway is not None:
        reference = {"name": serving.gateway.name, "namespace": serving.gateway.namespace}
        route["gateway"] = {"refs": [reference]}
    return {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": "LLMInferenceService",
        "metadata": {"name": name, **workload.notes(about)},
        "spec": {
            "model": {"uri": f"oci://{name}", "name": name},
            "storageInitializer": {"enabled": False},
            "replicas": serving.replicas.min,
            "labels": template["metadata"]["labels"],
            "router": route,
            "template": pod,
        },
    }
