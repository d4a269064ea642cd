"""The control plane itself: what the other tests rely on, and what a test may do to one of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.cluster import background, custom_resources
from scripts.cluster.cluster import Cluster, OwnCluster, Refused

pytestmark = pytest.mark.cluster
_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "plain"},
    "spec": {"containers": [{"name": "plain", "image": "example.com/plain"}]},
}


def test_it_is_the_kubernetes_that_the_manifests_are_for(cluster: Cluster) -> None:
    told = json.loads(cluster.kubectl("version", "-ojson"))
    assert told["serverVersion"]["gitVersion"].startswith("v1.")
    served = cluster.kubectl("api-resources", "-oname").split()
    assert {"rayjobs.ray.io", "podmonitors.monitoring.coreos.com", "rollouts.argoproj.io"} <= set(served)


def test_a_namespace_refuses_a_pod_that_is_not_restricted(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(Refused, match="violates PodSecurity"):
        cluster.kubectl("apply", f"--namespace={namespace}", "--dry-run=server", "-f-", given=_POD)


def test_a_service_account_may_do_what_a_role_says_and_nothing_else(cluster: Cluster, namespace: str) -> None:
    reader = cluster.kubeconfig_for(f"{namespace}/reader")
    where = f"--namespace={namespace}"
    assert "forbidden" in cluster.try_kubectl("get", "configmaps", kubeconfig=reader).stderr.lower()
    cluster.kubectl("create", "role", "reader", where, "--verb=list", "--resource=configmaps")
    cluster.kubectl(
        "create", "rolebinding", "reader", where, "--role=reader", f"--serviceaccount={namespace}:reader"
    )
    cluster.kubectl("get", "configmaps", kubeconfig=reader)
    assert "forbidden" in cluster.try_kubectl("get", "secrets", kubeconfig=reader).stderr.lower()


def test_a_token_that_nobody_gave_is_refused(cluster: Cluster) -> None:
    stranger = cluster.kubeconfig_for(token="a-stranger")  # noqa: S106  # it is of nobody
    assert "must be logged in" in cluster.try_kubectl("get", "namespaces", kubeconfig=stranger).stderr


def test_what_was_stored_outlives_a_crash_of_the_api_server(own_cluster: OwnCluster) -> None:
    own_cluster.namespaces("kept")
    own_cluster.plane.api_server.kill()
    assert own_cluster.try_kubectl("get", "namespaces").returncode != 0
    own_cluster.plane.start_api_server()
    assert own_cluster.get("namespace", "kept")["status"]["phase"] == "Active"


def test_kinds_are_unknown_until_they_are_defined(own_cluster: OwnCluster) -> None:
    assert "podmonitors" not in own_cluster.kubectl("api-resources")
    own_cluster.create_custom_resource_definitions("PodMonitor")
    assert "podmonitors" in own_cluster.kubectl("api-resources")


def test_nothing_is_left_when_the_process_that_wanted_it_is_killed(built: None, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as wanting:
        folder = tmp_path / "cluster"
        background.launch(folder, "--define=none", "--until", str(wanting.pid))
        background.wait(folder)
        served = int((folder / "process").read_text(encoding="utf-8"))
        programs = children(served)
        assert {"etcd", "kube-apiserver"} <= set(programs.values())
        wanting.kill()
    wait_until_ended([served, *programs])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_nothing_is_left_when_the_control_plane_itself_is_killed(built: None, tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    background.launch(folder, "--define=none", "--until", str(os.getpid()))
    background.wait(folder)
    served = int((folder / "process").read_text(encoding="utf-8"))
    programs = children(served)
    os.kill(served, signal.SIGKILL)
    wait_until_ended(list(programs))
    assert not background.is_running(folder)


def children(process: int) -> dict[int, str]:
    """The names of the programs that a process started."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True)
    lines = (line.split(maxsplit=2) for line in listed.stdout.splitlines())
    return {int(child): name for child, parent, name in lines if int(parent) == process}


def wait_until_ended(processes: list[int]) -> None:
    end = time.monotonic() + 30
    while running := [process for process in processes if is_running(process)]:
        assert time.monotonic() < end, running
        time.sleep(0.1)


def is_running(process: int) -> bool:
    """A process that ended but that nobody asked about yet is a zombie."""
    state = subprocess.run(["ps", "-ostate=", f"-p{process}"], capture_output=True, text=True, check=False)
    return state.stdout.strip() not in {"", "Z"}


def test_definitions_say_the_same_without_their_prose() -> None:
    schema = {
        "description": "prose",
        "type": "object",
        "properties": {"description": {"type": "string", "description": "prose"}},
        "items": {"description": "prose"},
    }
    assert custom_resources._undescribed(schema) == {
        "type": "object",
        "properties": {"description": {"type": "string"}},
        "items": {},
    }
