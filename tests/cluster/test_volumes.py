"""A package that pods mount as a volume: released, taken back at once, and shown, as one within an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import connect
from aimass_compiler.kubernetes.rollback import Rollback, roll_back
from scripts.cluster.cluster import Cluster, OwnCluster
from tests.cluster.overlays import Project, deployment, git, service
from tests.harness.releases import DIGEST, REGISTRY, release

pytestmark = pytest.mark.cluster
SERVER = f"{REGISTRY}/{conventions.SERVER_IMAGE}@{DIGEST}"
SERVERS = 2


def digest_of(version: str) -> str:
    return "sha256:" + (version.encode().hex() * 32)[:64]


def package_of(version: str) -> str:
    return f"{REGISTRY}/churn@{digest_of(version)}"


def mounting() -> dict[str, Any]:
    """A Deployment that names images as overlays do: by what a release says of them."""
    mounts = [{"name": "model", "mountPath": "/model", "readOnly": True}]
    container = {"image": conventions.SERVER_IMAGE, "volumeMounts": mounts}
    made = deployment("churn", replicas=SERVERS, container=container)
    image = {"reference": "churn", "pullPolicy": "IfNotPresent"}
    made["spec"]["template"]["spec"]["volumes"] = [{"name": "model", "image": image}]
    return made


def promote(project: Project, version: str) -> None:
    """Release a version in a commit."""
    release(project.root, "churn", "dev", digest=digest_of(version), version=version)
    git(project.root, "add", "--all")
    git(project.root, "commit", "--quiet", "--message", f"Promote {version}")


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster, namespace: str) -> Project:
    """A model of which two versions were released, one after the other."""
    made = Project(tmp_path, namespace, cluster.kubeconfig)
    git(tmp_path, "init", "--quiet")
    made.declare(mounting(), service("churn"))
    for version in ("v1", "v2"):
        promote(made, version)
        assert made.run("apply", "--timeout=60s").code == 0
    return made


def running(cluster: Cluster, namespace: str) -> set[tuple[str, str]]:
    """The images of all pods that are to stay: what is mounted, and what serves it."""
    pods = cluster.objects("pods", namespace, "aimass.dev/model=churn")
    there = [each["spec"] for each in pods if "deletionTimestamp" not in each["metadata"]]
    assert len(there) == SERVERS
    mounted = [next(one["image"]["reference"] for one in each["volumes"] if "image" in one) for each in there]
    return {(mounts, each["containers"][0]["image"]) for mounts, each in zip(mounted, there, strict=True)}


def test_a_release_of_a_volume_is_shown_and_taken_back_at_once(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    assert running(cluster, namespace) == {(package_of("v2"), SERVER)}
    assert set(project.apply().actions().values()) == {"unchanged"}
    assert project.run("drift").code == 0
    (shown,) = project.run("status").document["environments"][0]["models"]
    assert (shown["version"], shown["digest"], shown["health"]) == ("v2", digest_of("v2"), "healthy")
    wanted = Rollback("churn", "dev", namespace, "wrong predictions", timeout=60)
    done = roll_back(connect(project.kubeconfig), wanted, list[str]().append)
    assert (done.release.version, done.pods) == ("v1", SERVERS)
    assert running(cluster, namespace) == {(package_of("v1"), SERVER)}
    assert done.hold.digests == (digest_of("v2"),)
    assert project.apply().code == ExitCode.HELD
    (shown,) = project.run("status").document["environments"][0]["models"]
    assert (shown["version"], shown["digest"], shown["inGit"]) == ("v1", digest_of("v1"), "held")
    promote(project, "v1")
    lifted = project.run("apply", "--timeout=60s")
    # Other objects only note the version, which is theirs from now on.
    assert (lifted.code, lifted.actions()["Deployment churn"]) == (0, "unchanged")
    promote(project, "v3")
    assert project.run("apply", "--timeout=60s").code == 0
    assert running(cluster, namespace) == {(package_of("v3"), SERVER)}


def test_a_cluster_that_mounts_no_images_says_so(own_cluster: OwnCluster, tmp_path: Path) -> None:
    own_cluster.plane.restart_api_server("--feature-gates=ImageVolume=false")
    own_cluster.namespaces("restricted")
    project = Project(tmp_path / "project", "restricted", own_cluster.kubeconfig)
    project.declare(mounting(), service("churn"))
    refused = project.apply()
    assert refused.code == ExitCode.REFUSED
    assert "Deployment churn was refused: pods of this cluster cannot mount images as volumes" in refused.told
    assert "serving: {model: image}" in refused.told
    assert own_cluster.objects("services", "restricted") == []
