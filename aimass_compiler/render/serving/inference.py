"""What a gateway knows of servers of a language model: an InferencePool, of which a picker chooses one.

Source: https://gateway-api-inference-extension.sigs.k8s.io/reference/spec/
"""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.text_engine import EndpointPicker
from aimass_compiler.render.names import serving_selector

GROUP = "inference.networking.k8s.io"


def inference_pool(model: str, picker: EndpointPicker) -> dict[str, Any]:
    """The servers, and what picks one of them; while it does not answer, they take turns."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "InferencePool",
        "metadata": {"name": model},
        "spec": {
            "selector": {"matchLabels": serving_selector(model)},
            "targetPorts": [{"number": conventions.PORT}],
            "endpointPickerRef": {
                "group": "",
                "kind": "Service",
                "name": picker.name,
                "port": {"number": picker.port},
                "failureMode": "FailOpen",
            },
        },
    }


def pool_backend(model: str) -> dict[str, Any]:
    """The pool as a route names it."""
    return {"group": GROUP, "kind": "InferencePool", "name": model}
