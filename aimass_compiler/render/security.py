"""What the `restricted` pod security standard asks of every pod that is rendered here.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from typing import Any

CONTAINER_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
#: A tag can be moved; asking the registry each time also asks whether the pod may have the image at all.
PULL = "Always"
#: The only place of a container's own that it can write to.
TMP_MOUNT = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108  # the container's, an emptyDir


def tmp_volume(size: str) -> dict[str, Any]:
    """What lies at /tmp, and how much of it there may be."""
    return {"name": "tmp", "emptyDir": {"sizeLimit": size}}


def pod_security(user: int) -> dict[str, Any]:
    """A numeric user, so that the kubelet can tell that it is not root without asking the image."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
