"""The clock's job trains again with the rights that are generated for it, and may do nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from render.models import pipeline

from aimass_compiler import conventions
from aimass_compiler.render import render
from scripts.cluster.cluster import Cluster

pytestmark = pytest.mark.cluster
MANIFEST = "train/retrain.json"


@pytest.fixture
def command(cluster: Cluster, namespace: str, tmp_path: Path) -> tuple[list[str], Path]:
    """What the CronJob's container runs, and the identity that it runs as, once training is set up."""
    model = pipeline(settings={"environments": {"live": {"namespace": namespace}}})
    for name, content in render(model).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    apply = ("apply", "--server-side", f"--field-manager={conventions.MANAGER}")
    cluster.kubectl(*apply, f"-k{tmp_path / 'train'}")
    (job,) = cluster.objects("cronjobs", namespace)
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounted = next(mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "manifest")
    arguments = [part.replace(mounted, str(tmp_path / "train")) for part in container["args"]]
    return arguments, cluster.kubeconfig_for(f"{namespace}/{pod['serviceAccountName']}")


def test_it_creates_the_job_and_then_replaces_it(
    cluster: Cluster, namespace: str, command: tuple[list[str], Path], tmp_path: Path
) -> None:
    arguments, identity = command
    name = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))["metadata"]["name"]
    created = []
    for _ in range(2):
        cluster.kubectl(*arguments, kubeconfig=identity)
        created.append(cluster.get("rayjob", name, namespace)["metadata"]["uid"])
    assert len(set(created)) == 2


def test_it_may_do_nothing_else(cluster: Cluster, namespace: str, command: tuple[list[str], Path]) -> None:
    _, identity = command
    (other,) = cluster.objects("rayjobs", namespace)
    for forbidden in (
        ["get", "secrets"],
        ["get", "rayjobs"],
        ["delete", "rayjob", other["metadata"]["name"]],
        ["delete", "configmaps", "--all"],
        ["get", "rayjobs", "--all-namespaces"],
    ):
        assert "forbidden" in cluster.try_kubectl(*forbidden, kubeconfig=identity).stderr.lower(), forbidden
