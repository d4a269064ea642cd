"""KubeRay's own operator makes a Ray cluster of the job that is rendered, and says of it what we read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.render.training.rayjob import LABEL_RAY_CLUSTER
from scripts.cluster import kuberay, programs
from tests.cluster.test_training_there import Place, place, until

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
__all__ = ["place"]


@pytest.fixture
def ray(
    tmp_path: Path,
    place: Place,
    build: Callable[[Sequence[str]], None],
) -> Iterator[kuberay.Running]:
    build(programs.KUBERAY)
    with kuberay.running(place.cluster, place.namespace, tmp_path) as found:
        yield found
        assert found.operator.is_running, found.operator.last_words()


def names(objects: list[dict[str, Any]]) -> list[str]:
    return [each["metadata"]["name"] for each in objects]


def test_a_job_becomes_a_ray_cluster_and_ends_as_ray_says(place: Place, ray: kuberay.Running) -> None:
    run = place.start("--timeout=20m")
    job = place.job(run)
    ray.dashboard.status = "RUNNING"
    until(run, "it runs")
    (cluster,) = place.cluster.objects("rayclusters", place.namespace)
    assert cluster["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
    selector = f"{LABEL_RAY_CLUSTER}={cluster['metadata']['name']}"
    pods = place.cluster.objects("pods", place.namespace, selector)
    kinds = [each["metadata"]["labels"]["ray.io/node-type"] for each in pods]
    (group,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert sorted(kinds) == ["head"] + ["worker"] * group["replicas"]
    assert all(each["metadata"]["labels"]["aimass.dev/model"] == place.model for each in pods)
    (service,) = place.cluster.objects("services", place.namespace, selector)
    assert {"dashboard", "gcs-server"} <= {port["name"] for port in service["spec"]["ports"]}
    assert names(place.cluster.objects("jobs", place.namespace)) == names([job]), "what submits it"
    status = place.cluster.get("rayjob", job["metadata"]["name"], place.namespace)["status"]
    assert (status["jobDeploymentStatus"], status["jobStatus"]) == ("Running", "RUNNING")
    assert status["rayClusterName"] == cluster["metadata"]["name"]
    assert status["rayClusterStatus"]["readyWorkerReplicas"] == group["replicas"]
    assert any(status["jobId"] in address for address in ray.dashboard.asked)
    place.run_entrypoint(job)
    ray.dashboard.status = "SUCCEEDED"
    out, said = run.communicate()
    assert run.returncode == 0, out + said
    lock = yaml.safe_load((place.root / "generated" / place.model / "dvc.lock").read_text(encoding="utf-8"))
    assert "train" in lock["stages"]
