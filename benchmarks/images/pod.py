"""The pod's container as an OCI runtime starts it: what the Deployment says, and nothing that it does not.

Source: https://github.com/opencontainers/runtime-spec/blob/main/config.md
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aimass_compiler.catalog.quantities import Bytes
from benchmarks.images import seccomp

_NAMESPACES = ("pid", "network", "ipc", "uts", "mount", "cgroup")
#: What every engine mounts into a container, and hides of it.
SYSTEM: list[dict[str, Any]] = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {
        "destination": "/dev",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
        "destination": "/dev/shm",  # noqa: S108  # the container's own
        "type": "tmpfs",
        "source": "shm",
        "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    {
        "destination": "/sys",
        "type": "sysfs",
        "source": "sysfs",
        "options": ["nosuid", "noexec", "nodev", "ro"],
    },
]
_MASKED = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"]
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def bundle(objects: list[dict[str, Any]], image: dict[str, Any], root: Path, cgroup: str) -> dict[str, Any]:
    """The config.json of the serving container of these Kubernetes objects, with an image unpacked at `root`.

    `image` is the image's own configuration. The network is one of its own, with nothing but loopback.
    """
    pod = _pod_of(objects)
    (container,) = pod["containers"]
    security = {**pod["securityContext"], **container["securityContext"]}
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": security["runAsUser"], "gid": security["runAsGroup"]},
            "args": [*(image.get("Entrypoint") or ()), *(image.get("Cmd") or ())],
            "env": [*image["Env"], *(f"{each['name']}={each['value']}" for each in container["env"])],
            "cwd": image.get("WorkingDir") or "/",
            "capabilities": _capabilities(security["capabilities"]),
            "noNewPrivileges": not security["allowPrivilegeEscalation"],
            "oomScoreAdj": 900,
        },
        "root": {"path": str(root), "readonly": security["readOnlyRootFilesystem"]},
        "hostname": "pod",
        "mounts": [*SYSTEM, *_volumes(pod, container)],
        "linux": {
            "namespaces": [{"type": kind} for kind in _NAMESPACES],
            "cgroupsPath": cgroup,
            "resources": _resources(container["resources"]),
            "seccomp": _seccomp(security["seccompProfile"]),
            "maskedPaths": _MASKED,
            "readonlyPaths": _READ_ONLY,
        },
    }


def _pod_of(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (deployment,) = [each for each in objects if each["kind"] == "Deployment"]
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    if not pod["securityContext"]["runAsNonRoot"]:
        raise ValueError("the pod may run as root")
    return pod


def _capabilities(wanted: dict[str, Any]) -> dict[str, list[str]]:
    """None: the only answer to `drop: [ALL]`."""
    if wanted != {"drop": ["ALL"]}:
        raise ValueError(f"the container keeps capabilities: {wanted}")
    return {kind: [] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")}


def _seccomp(wanted: dict[str, Any]) -> dict[str, Any]:
    if wanted != {"type": "RuntimeDefault"}:
        raise ValueError(f"the container has another seccomp profile: {wanted}")
    return seccomp.without_capabilities()


def _volumes(pod: dict[str, Any], container: dict[str, Any]) -> list[dict[str, Any]]:
    sizes = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"]}
    return [
        {
            "destination": mount["mountPath"],
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "nodev", "mode=1777", f"size={Bytes.read(sizes[mount['name']]).size}"],
        }
        for mount in container["volumeMounts"]
    ]


def _resources(wanted: dict[str, Any]) -> dict[str, Any]:
    limit = Bytes.read(wanted["limits"]["memory"]).size
    return {"memory": {"limit": limit, "swap": limit}, "devices": [{"allow": False, "access": "rwm"}]}
