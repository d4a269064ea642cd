"""What the `restricted` pod security standard asks of every pod that is rendered here.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aimass_compiler.pipeline.settings import Settings

CONTAINER_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
#: Images are named by their content, so what a node has of one is that one. No registry has to answer before
#: a server starts again.
PULL = "IfNotPresent"
#: The only place of a container's own that it can write to.
TMP_MOUNT = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108  # the container's, an emptyDir


def tmp_volume(size: str) -> dict[str, Any]:
    """What lies at /tmp, and how much of it there may be."""
    return {"name": "tmp", "emptyDir": {"sizeLimit": size}}


def pod_security(settings: Settings, user: int, group: int | None = None) -> dict[str, Any]:
    """A numeric user, so that the kubelet can tell that it is not root without asking the image.

    Where the platform assigns users, none stands here: OpenShift's `restricted-v2` takes only those of a
    namespace's own range. A `group` is that of files on volumes, too.
    """
    if is_assigned(settings):
        return {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user if group is None else group,
        "seccompProfile": {"type": "RuntimeDefault"},
        **({} if group is None else {"fsGroup": group}),
    }


def is_assigned(settings: Settings) -> bool:
    """Whether the platform says whom pods run as."""
    return settings.users == "assigned"
