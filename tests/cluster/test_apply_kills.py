"""A run that is killed at one of its steps: nothing is lost, and the next run ends where it would have."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, config, deployment, names, service
from tests.harness.api_proxy import Asked, Lost, Proxy

pytestmark = pytest.mark.cluster
BEFORE = (config("settings-1"), service("churn"), service("old"), deployment("churn"))
AFTER = (config("settings-2"), service("churn", port=81), deployment("churn", tag="2"), service("new"))
#: After which of its steps a run is killed: it takes the lease, writes the inventory and four objects in
#: three ranks, before each of which it renews the lease, waits, deletes two objects, writes the inventory and
#: gives the lease back.
STEPS = (1, 2, 4, 6, 9, 10, 12)
#: Before and behind the inventory, among the objects, and among what is deleted.
BY_DAY = (1, 4, 6, 10)
#: A lease that a dead run left is waited for; the shorter it is, the sooner the test ends.
IMPATIENT = (
    "import sys; from aimass_compiler.kubernetes import lease; lease.SECONDS = 1; "
    "from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"
)


def started(project: Project, *words: str) -> subprocess.Popen[str]:
    """`aimass apply`, or what the words say, as a process whose lease is short."""
    return subprocess.Popen(
        [sys.executable, "-c", IMPATIENT, *project.words(*words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_after(steps: int, project: Project, proxy: Proxy, *words: str) -> None:
    """Run it through the proxy, and kill it once the cluster has done so many of its steps."""
    through = Project(project.root, project.namespace, proxy.kubeconfig)
    seen: list[Asked] = []
    process = started(through, *words)

    def aftermath(asked: Asked) -> None:
        seen.extend([asked] if asked.is_write else [])
        if len(seen) >= steps and asked.is_write:
            process.kill()
            raise Lost

    proxy.after = aftermath
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, f"it ended after {len(seen)} steps"


def owned(cluster: Cluster, namespace: str) -> set[str]:
    """The names that the inventory lists."""
    kept = cluster.get("configmap", "aimass-churn-dev", namespace)["data"]["inventory.json"]
    return {each["name"] for each in json.loads(kept)["objects"]}


@pytest.mark.parametrize(
    "steps",
    [pytest.param(step, marks=() if step in BY_DAY else pytest.mark.nightly) for step in STEPS],
)
def test_an_apply_that_is_killed_is_run_again(
    project: Project, proxy: Proxy, cluster: Cluster, namespace: str, steps: int
) -> None:
    project.declare(*BEFORE)
    assert project.apply().code == 0
    project.declare(*AFTER)
    killed_after(steps, project, proxy, "apply", "--timeout", "60s")
    there = names(cluster, "configmaps,services", namespace) - {"aimass-churn-dev"}
    assert there <= owned(cluster, namespace), "something is there that no inventory lists"
    process = started(project, "apply", "--timeout", "60s")
    out, told = process.communicate(timeout=90)
    assert process.returncode == ExitCode.DONE, out + told
    assert names(cluster, "services", namespace) == {"churn", "new"}
    assert names(cluster, "configmaps", namespace) == {"settings-2", "aimass-churn-dev"}
    assert owned(cluster, namespace) == {"settings-2", "churn", "new"}
    assert names(cluster, "leases", namespace) == set()


@pytest.mark.parametrize("steps", [3, 6])
def test_a_delete_that_is_killed_is_run_again(
    project: Project, proxy: Proxy, cluster: Cluster, namespace: str, steps: int
) -> None:
    project.declare(*BEFORE)
    assert project.apply().code == 0
    killed_after(steps, project, proxy, "delete", "churn", "--yes")
    process = started(project, "delete", "churn", "--yes")
    out, told = process.communicate(timeout=60)
    assert process.returncode == ExitCode.DONE, out + told
    assert names(cluster, "configmaps,services,deployments", namespace) == set()
