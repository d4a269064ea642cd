"""Kueue's own controller holds a training job back while its queue is full, and stops it again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler import conventions
from scripts.cluster import background, kuberay, kueue, programs
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import CODE
from tests.cluster.test_training_there import SETTINGS, Place, project, until, volume

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
NAMESPACE, MODEL, QUEUE = "ml", "cells", "trials"
#: What pods of Ray ask for, all of which a queue must know.
COVERED = ("cpu", "memory", "ephemeral-storage")


def cluster_queue(cores: str, *covered: str, **more: Any) -> dict[str, Any]:
    """A ClusterQueue with so many cores, and with enough of everything else that it covers."""
    quotas = [{"name": name, "nominalQuota": cores if name == "cpu" else "1Ti"} for name in covered]
    groups = [{"coveredResources": [*covered], "flavors": [{"name": "usual", "resources": quotas}]}]
    spec = {"namespaceSelector": {}, "resourceGroups": groups, **more}
    return {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "ClusterQueue",
        "metadata": {"name": "research"},
        "spec": spec,
    }


@pytest.fixture
def queued(
    tmp_path: Path, built: None, build: Callable[[Sequence[str]], None]
) -> Iterator[tuple[Place, kuberay.Running]]:
    build((*programs.KUBERAY, *programs.KUEUE))
    with background.running(tmp_path / "cluster") as plane:
        cluster = Cluster(plane.kubeconfig, programs.program("kubectl"), tmp_path)
        cluster.namespaces(NAMESPACE)
        with (
            kuberay.running(cluster, NAMESPACE, tmp_path) as ray,
            kueue.running(cluster, tmp_path / "kueue") as controller,
        ):
            yield placed(tmp_path, cluster), ray
            assert controller.is_running, controller.last_words()


def placed(
    root: Path,
    cluster: Cluster,
    more: str = "",
    kind: str = "rayjobs",
    changes: Mapping[str, str] | None = None,
) -> Place:
    """A project with a queue, whose files go through a store."""
    own = f"    store: file://{root / 'store'}\nqueue: {QUEUE}\n{more}"
    made = project(root / "models", MODEL, SETTINGS.format(namespace=NAMESPACE) + own, changes or {})
    cluster.kubectl("apply", f"-f{made / 'generated' / MODEL / 'access.yaml'}")
    cluster.apply([volume(NAMESPACE, MODEL)])
    identity = cluster.kubeconfig_for(f"{NAMESPACE}/trainer")
    return Place(made, MODEL, NAMESPACE, cluster, identity, kind)


def around(*queues: dict[str, Any]) -> list[dict[str, Any]]:
    """What an administrator makes once, beside ClusterQueues."""
    version = {"apiVersion": "kueue.x-k8s.io/v1beta2"}
    place = {"name": QUEUE, "namespace": NAMESPACE}
    return [
        {**version, "kind": "ResourceFlavor", "metadata": {"name": "usual"}},
        *queues,
        {**version, "kind": "LocalQueue", "metadata": place, "spec": {"clusterQueue": "research"}},
    ]


def test_a_job_waits_for_its_queue_runs_loses_its_place_and_ends(
    queued: tuple[Place, kuberay.Running],
) -> None:
    place, ray = queued
    cluster = place.cluster
    run = place.start("--timeout=15m")
    job = place.job(run)
    assert job["spec"]["suspend"], "Kueue's webhook"
    until(run, f"it waits in the queue {QUEUE}: LocalQueue {QUEUE} doesn't exist")
    cluster.apply(around(cluster_queue("8", "cpu", "memory")))
    until(run, "ephemeral-storage unavailable in ClusterQueue")
    cluster.apply([cluster_queue("1", *COVERED)])
    until(run, "insufficient quota for cpu in flavor usual")
    assert cluster.objects("rayclusters", NAMESPACE) == []
    assert "it waits in the queue trials: couldn't assign" in status(place)
    cluster.apply([cluster_queue("8", *COVERED)])
    ray.dashboard.status = "RUNNING"
    until(run, "it runs")
    selector = f"{conventions.LABEL_MODEL}={MODEL}"
    assert len(cluster.objects("pods", NAMESPACE, selector)) >= 2
    cluster.apply([cluster_queue("8", *COVERED, stopPolicy="HoldAndDrain")])
    until(run, "The ClusterQueue is stopped")
    cluster.kubectl(
        "wait", "pod", "--for=delete", f"--namespace={NAMESPACE}", f"-l{selector}", "--timeout=60s"
    )
    cluster.apply([cluster_queue("8", *COVERED, stopPolicy="None")])
    until(run, "it runs")
    place.run_entrypoint(place.job(run))
    ray.dashboard.status = "SUCCEEDED"
    out, said = run.communicate()
    assert run.returncode == 0, out + said
    assert is_finished(place)


def is_finished(place: Place) -> bool:
    """Whether Kueue knows that the job has ended, and gives its room to others."""
    (workload,) = place.cluster.objects("workloads.kueue.x-k8s.io", NAMESPACE)
    told = {each["type"]: each["status"] for each in workload["status"]["conditions"]}
    return told.get("Finished") == "True"


def status(place: Place) -> str:
    """What a person reads who asks what runs."""
    command = [sys.executable, "-c", CODE, "status", f"--kubeconfig={place.cluster.kubeconfig}"]
    done = subprocess.run([*command, f"--root={place.root}"], capture_output=True, text=True, check=True)
    return done.stdout
