"""How a canary ended is read from a cluster, and written as what git is to become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delivery.deliveries import Repository, version

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.releases import release_file
from scripts.cluster.cluster import Cluster

pytestmark = pytest.mark.cluster
ABORTED = {"phase": "Degraded", "abort": True, "message": "RolloutAborted: shift", "stableRS": "a"}
TOOK_OVER = {"phase": "Healthy", "stableRS": "b"}


@pytest.fixture
def repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], namespace: str
) -> Repository:
    """Version 2 is a canary beside version 1."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = Repository(tmp_path / "models", capsys)
    made.write("aimass.yaml", json.dumps({"environments": {"prod": {"namespace": namespace}}}))
    made.serve(rollout={"canary": [5, 100]})
    made.record(version(1), version(2))
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("config", "user.name", "Ada")
    made.git("config", "user.email", "ada@example.com")
    made.release("prod", 1, "2026-11-05T00:00:00Z")
    first = made.released("prod")
    assert first is not None
    made.release("prod", 2)
    second = made.released("prod")
    assert second is not None
    beside = release_file.Release(
        environment="prod",
        model="churn",
        images=second.images,
        version=second.version,
        stable=first.version,
        stable_images=first.digests,
    )
    path = release_file.file_of(made.root, "prod", "churn")
    path.write_bytes(release_file.edited(path.read_bytes(), beside))
    made.commit("2026-11-08T00:00:00Z")
    return made


def serve(cluster: Cluster, namespace: str, status: dict[str, Any]) -> None:
    """Have a Rollout say how far it is with version 2."""
    labels = {"app": "churn"}
    annotations = {conventions.ANNOTATION_VERSION: version(2).name}
    template = {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {"containers": [{"name": "server", "image": "churn"}]},
    }
    about = {"metadata": {"name": "churn", "namespace": namespace}}
    selector = {"matchLabels": labels}
    deployment = {"replicas": 0, "selector": selector, "template": template}
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "churn"}
    rollout = {"selector": selector, "workloadRef": reference, "strategy": {"canary": {}}}
    cluster.apply([
        {"apiVersion": "apps/v1", "kind": "Deployment", **about, "spec": deployment},
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", **about, "spec": rollout},
    ])  # fmt: skip
    seen = {"observedGeneration": "1", "workloadObservedGeneration": "1", "currentPodHash": "b"}
    patch = json.dumps({"status": {**seen, **status}})
    where = ("--type=merge", "--subresource=status", f"--namespace={namespace}", f"--patch={patch}")
    cluster.kubectl("patch", "rollout", "churn", *where)


@pytest.mark.parametrize(
    ("status", "says", "runs"),
    [(TOOK_OVER, "finish", version(2).name), (ABORTED, "revert", version(1).name)],
)
def test_what_a_rollout_says_becomes_what_git_says(
    repository: Repository,
    cluster: Cluster,
    namespace: str,
    status: dict[str, Any],
    says: str,
    runs: str,
) -> None:
    serve(cluster, namespace, status)
    asked = ("verify", "--env", "prod", f"--kubeconfig={cluster.kubeconfig}")
    looked = repository.aimass(*asked)
    assert (looked.code, f": {says}" in looked.out) == (ExitCode.STALE, True), looked
    assert repository.aimass(*asked, "--write").code == 0
    after = repository.released("prod")
    assert after is not None
    assert (after.version, after.stable) == (runs, "")
    assert repository.aimass(*asked).code == 0
