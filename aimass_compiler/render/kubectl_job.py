"""What a pod has that changes objects by kubectl: its containers, and a token that ends soon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.image.escapes import reference
from aimass_compiler.render.pod_security import CONTAINER_SECURITY, PULL, TMP_MOUNT, tmp_volume

MANIFEST_FOLDER = "/etc/aimass"
#: Where kubectl looks for what it is inside of a cluster.
_IDENTITY_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
#: Seconds, the shortest that Kubernetes gives; the kubelet renews the token of a pod that runs longer.
_LIFETIME = 600


def kubectl(settings: Settings, name: str, arguments: Sequence[str]) -> dict[str, Any]:
    """A container that runs kubectl once."""
    return {
        "name": name,
        "image": reference(settings.images.kubectl),
        "imagePullPolicy": PULL,
        "args": [*arguments],
        "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108  # the container's own, where kubectl caches
        "resources": {
            "requests": {"cpu": "50m", "memory": "128Mi", "ephemeral-storage": "32Mi"},
            "limits": {"cpu": "1", "memory": "128Mi", "ephemeral-storage": "128Mi"},
        },
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [
            {"name": "manifest", "mountPath": MANIFEST_FOLDER, "readOnly": True},
            {"name": "identity", "mountPath": _IDENTITY_FOLDER, "readOnly": True},
            TMP_MOUNT,
        ],
    }


def volumes(config_map: str) -> list[dict[str, Any]]:
    """What such containers mount: the manifests of a ConfigMap, and who they are."""
    return [
        {"name": "manifest", "configMap": {"name": config_map}},
        {"name": "identity", "projected": {"sources": _identity()}},
        tmp_volume("32Mi"),
    ]


def replaced(file: str) -> list[str]:
    """The arguments that make the object of a file again: what is still there of it ends."""
    return ["replace", "--force", f"--filename={MANIFEST_FOLDER}/{file}"]


def _identity() -> list[dict[str, Any]]:
    """What is mounted otherwise, but for a token that lives no longer than the pod that has it."""
    return [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _LIFETIME}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
