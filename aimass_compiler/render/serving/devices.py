"""Accelerators that pods claim: Dynamic Resource Allocation.

Source: https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
"""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.accelerator import Accelerator


def claim_name(model: str) -> str:
    """What the template of a model's claims is called."""
    return conventions.CLAIM_TEMPLATE.format(model=model)


def claim_template(model: str, device: Accelerator) -> dict[str, Any]:
    """The claim that each pod gets: so many devices of the class, all of them for itself."""
    request = {
        "name": conventions.DEVICE_CLAIM,
        "exactly": {
            "deviceClassName": device.device_class,
            "allocationMode": "ExactCount",
            "count": device.count,
        },
    }
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": claim_name(model)},
        "spec": {"spec": {"devices": {"requests": [request]}}},
    }
