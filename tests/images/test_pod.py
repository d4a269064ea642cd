"""What `make images` runs is what the manifests say; manifests that let a container do more are refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from render.models import pipeline

from aimass_compiler import conventions
from aimass_compiler.render import render
from benchmarks.images import pod, seccomp

IMAGE = {"Env": ["PATH=/opt/venv/bin:/bin"], "Entrypoint": ["python", "-m", "server"], "Cmd": None}
PROFILE: dict[str, Any] = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 38,
    "archMap": [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
    ],
    "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [], "includes": {}, "excludes": {}},
        {
            "names": ["arch_prctl"],
            "action": "SCMP_ACT_ALLOW",
            "args": None,
            "includes": {"arches": ["amd64"]},
            "excludes": {},
        },
        {
            "names": ["mount"],
            "action": "SCMP_ACT_ALLOW",
            "args": [],
            "includes": {"caps": ["CAP_SYS_ADMIN"]},
            "excludes": {},
        },
        {
            "names": ["mount"],
            "action": "SCMP_ACT_ERRNO",
            "args": [],
            "includes": {},
            "excludes": {"caps": ["CAP_SYS_ADMIN"]},
            "errnoRet": 1,
        },
    ],
}


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small profile of system calls, on a machine of a known kind."""
    path = tmp_path / "seccomp.json"
    path.write_text(json.dumps(PROFILE))
    monkeypatch.setattr(seccomp, "PROFILE", path)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


def objects() -> list[dict[str, Any]]:
    """The servers' objects as rendered."""
    return list(yaml.safe_load_all(render(pipeline())["base/server.yaml"]))


def config(changed: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return pod.bundle(changed or objects(), IMAGE, Path("/unpacked"), "/group")


def test_the_container_is_held_as_its_manifest_says() -> None:
    found = config()
    process = found["process"]
    user = conventions.RUN_AS_USER
    assert process["user"] == {"uid": user, "gid": user}
    assert process["noNewPrivileges"] is True
    assert set(map(tuple, process["capabilities"].values())) == {()}
    assert process["args"] == IMAGE["Entrypoint"]
    assert process["env"][: len(IMAGE["Env"])] == IMAGE["Env"]
    assert "AIMASS_CONCURRENCY=64" in process["env"]
    assert found["root"] == {"path": "/unpacked", "readonly": True}
    assert [each["destination"] for each in found["mounts"][len(pod.SYSTEM) :]] == ["/tmp"]  # noqa: S108  # the container's own
    assert found["linux"]["resources"]["memory"]["limit"] == 512 * 2**20
    assert {"type": "network"} in found["linux"]["namespaces"]


def test_a_process_without_capabilities_gets_no_call_that_needs_one() -> None:
    found = config()["linux"]["seccomp"]
    assert found["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    told = [(rule["names"], rule["action"], rule.get("errnoRet")) for rule in found["syscalls"]]
    allowed = "SCMP_ACT_ALLOW"
    assert told == [
        (["read"], allowed, None),
        (["arch_prctl"], allowed, None),
        (["mount"], "SCMP_ACT_ERRNO", 1),
    ]


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("securityContext", "runAsNonRoot"), False, "may run as root"),
        (("securityContext", "seccompProfile"), {"type": "Unconfined"}, "another seccomp profile"),
        (("containers", 0, "securityContext", "capabilities"), {"drop": ["ALL"], "add": ["KILL"]}, "keeps"),
    ],
)
def test_a_manifest_that_allows_more_is_refused(place: tuple[Any, ...], value: Any, told: str) -> None:
    changed = copy.deepcopy(objects())
    (deployment,) = [each for each in changed if each["kind"] == "Deployment"]
    part = deployment["spec"]["template"]["spec"]
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    with pytest.raises(ValueError, match=told):
        config(changed)
