"""A language model as KServe's LLMInferenceService, of which its controller makes a Deployment.

The pod is ours, package and command line too, so that KServe serves what was certified; its downloading of
models is therefore off. The Service that callers know and the route are ours, too: KServe's use port 8000.
KServe merges its preset below the pod, field by field: what must not be the preset's is set here.
Source: https://kserve.github.io/website/docs/reference/crd-api (v1alpha2), and its preset
`kserve-config-llm-template` (0.20)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_compiler.catalog.servers import TEXT
from aimass_compiler.pipeline import Metadata
from aimass_compiler.render.serving import workload
from aimass_compiler.render.serving.engine import PRE_STOP_SECONDS, Served
from aimass_compiler.render.serving.server_platform import ServerPlatform

#: What it calls what it makes.
MADE = "{name}-kserve"
#: What its controller calls the container of the engine.
_CONTAINER = "main"
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def llm_inference_service(about: Metadata, served: Served) -> dict[str, Any]:
    """The service, with the pods that the engine's Deployment would have."""
    name, template = about.name, workload.template(served)
    (container,) = template["spec"]["containers"]
    return {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": "LLMInferenceService",
        "metadata": {"name": name, **workload.notes(about)},
        "spec": {
            "model": {"uri": f"oci://{name}", "name": name},
            "storageInitializer": {"enabled": False},
            "replicas": served.serving.replicas.min,
            "labels": template["metadata"]["labels"],
            "annotations": {**template["metadata"]["annotations"], workload.SHOWN_FIRST: _CONTAINER},
            "template": {**template["spec"], "containers": [_over_preset(container)]},
        },
    }


def _over_preset(container: Mapping[str, Any]) -> dict[str, Any]:
    """The container, with what else would be the preset's: another program, TLS, a second way to wait."""
    return {
        **container,
        "name": _CONTAINER,
        "command": container.get("command", [*TEXT.command]),
        **{name: _by_http(container[name]) for name in _PROBES},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(PRE_STOP_SECONDS)]}}},
    }


def _by_http(probe: Mapping[str, Any]) -> dict[str, Any]:
    return {**probe, "httpGet": {**probe["httpGet"], "scheme": "HTTP"}}


PLATFORM = ServerPlatform(workload=llm_inference_service, scaled=None)
