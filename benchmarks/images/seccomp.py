"""What Kubernetes calls RuntimeDefault: the profile that container engines share, as an OCI runtime reads it.

Source: https://github.com/containers/common/blob/main/pkg/seccomp/seccomp.json and
https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

#: It comes with buildah.
PROFILE = Path("/usr/share/containers/seccomp.json")
#: By what the kernel calls the machine: what the profile calls it in its rules, and in its table.
_MACHINES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64")}
_OCI_KEYS = ("names", "action", "errnoRet", "args")


def without_capabilities() -> dict[str, Any]:
    """The profile for a process that has none of the capabilities that would allow it more."""
    profile = json.loads(PROFILE.read_text(encoding="utf-8"))
    machine, native = _MACHINES[platform.machine()]
    (others,) = [each["subArchitectures"] for each in profile["archMap"] if each["architecture"] == native]
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": [native, *others],
        "syscalls": [
            {key: rule[key] for key in _OCI_KEYS if rule.get(key) is not None}
            for rule in profile["syscalls"]
            if _applies(rule["includes"], machine)
        ],
    }


def _applies(wanted: dict[str, Any], machine: str) -> bool:
    """Whether a rule is for this machine; what excludes capabilities is for whoever has none."""
    return "caps" not in wanted and machine in wanted.get("arches", [machine])
