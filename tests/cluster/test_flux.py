"""Flux's own controllers bring what is released to a cluster, take it back, and remove it."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from aimass_compiler.cli import main
from scripts.cluster import flux, programs
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, git
from tests.cluster.served import MODEL, SPEC, eventually
from tests.harness import git_server
from tests.harness.releases import release

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
#: A model that has a spec, too, and is never released.
OTHER = "idle"
FIRST, SECOND = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
_NOW = "reconcile.fluxcd.io/requestedAt"


@dataclass
class Followed:
    """A repository that Flux follows in the place of `aimass apply`."""

    project: Project
    cluster: Cluster
    controllers: flux.Flux

    def commit(self, message: str) -> None:
        git(self.project.root, "add", "--all")
        git(self.project.root, "commit", "--quiet", f"--message={message}")
        self.push()

    def push(self) -> None:
        """Push what is committed, and tell Flux of it as a webhook would."""
        git(self.project.root, "push", "--quiet", "origin", "main")
        self.kubectl("annotate", "gitrepositories", "--all", "--overwrite", f"{_NOW}={secrets.token_hex(4)}")

    def release(self, digest: str, version: str) -> None:
        release(self.project.root, MODEL, "dev", digest=digest, version=version)
        self.commit(f"Release {version}")

    def kubectl(self, *words: str) -> str:
        return self.cluster.kubectl(*words, f"--namespace={self.project.namespace}")

    def names(self, kinds: str) -> set[str]:
        return {each["metadata"]["name"] for each in self.cluster.objects(kinds, self.project.namespace)}

    def ready(self, name: str) -> tuple[str, str]:
        """What Flux says of a Kustomization: whether it is ready, and of which commit."""
        found = self.cluster.get("kustomization", name, self.project.namespace).get("status") or {}
        conditions = {each["type"]: each for each in found.get("conditions") or ()}
        return (conditions.get("Ready") or {}).get("status", ""), found.get("lastAppliedRevision", "")

    def wait_until_ready(self, name: str) -> None:
        head = (self.project.root / ".git" / "refs" / "heads" / "main").read_text(encoding="utf-8").strip()
        wanted = ("True", f"main@sha1:{head}")
        try:
            eventually(lambda: self.ready(name) == wanted, f"{name} is ready", 90)
        except AssertionError as failed:
            told = self.cluster.get("kustomization", name, self.project.namespace).get("status")
            raise AssertionError(
                f"{failed}\n{json.dumps(told, indent=1)}\n{self.controllers.last_words}"
            ) from None

    def images(self) -> set[str]:
        """The images of the servers that are ready."""
        pods = self.cluster.objects("pods", self.project.namespace, f"aimass.dev/model={MODEL}")
        return {
            container["image"].rpartition("@")[2]
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
            for container in pod["spec"]["containers"]
        }


def compiled(root: Path, namespace: str, url: str) -> None:
    """A project of two models whose only environment Flux applies, compiled and committed."""
    (root / "specs").mkdir(parents=True)
    spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    small = {"cpu": "100m", "memory": "256Mi"}
    spec |= {"serving": {"replicas": {"min": 2, "max": 2}, "resources": small}}
    del spec["evaluation"]
    for name in (MODEL, OTHER):
        named = spec | {"metadata": spec["metadata"] | {"name": name}}
        (root / "specs" / f"{name}.yaml").write_text(json.dumps(named), encoding="utf-8")
    settings = {
        "engine": "flux",
        "repository": {"url": f"{url}/models.git"},
        "engine_namespace": namespace,
        "environments": {"dev": {"namespace": namespace}},
        "images": {"registry": "registry.example.com/ml"},
    }
    (root / "aimass.yaml").write_text(json.dumps(settings), encoding="utf-8")
    assert main(["compile", "--root", str(root)]) == 0


@pytest.fixture
def followed(
    tmp_path: Path, cluster: Cluster, namespace: str, build: Callable[[Sequence[str]], None]
) -> Iterator[Followed]:
    build(programs.FLUX)
    if shutil.which("git") is None:
        pytest.skip("git is not on the PATH")
    root = tmp_path / "models"
    with git_server.served(tmp_path) as url:
        compiled(root, namespace, url)
        git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "models.git")
        git(root, "init", "--quiet", "--initial-branch=main")
        git(root, "remote", "add", "origin", str(tmp_path / "models.git"))
        with flux.running(cluster, namespace, tmp_path) as controllers:
            found = Followed(Project(root, namespace, cluster.kubeconfig), cluster, controllers)
            allowed(found)
            found.commit("Begin")
            # What an administrator does once.
            cluster.kubectl("apply", "-k", str(root / "generated/fleet/flux/dev"))
            yield found
            # Or its finalizers would keep the namespace.
            found.kubectl(
                "patch", "kustomization", "aimass-dev", "--type=merge", '-p={"spec":{"suspend":true}}'
            )
            found.kubectl("delete", "kustomizations", "--all", "--timeout=60s")


def allowed(found: Followed) -> None:
    """Give the account that Flux acts as the rights that are generated, and no others."""
    cluster, namespace = found.cluster, found.project.namespace
    cluster.token_of(f"{namespace}/aimass")
    for name in (MODEL, OTHER):
        cluster.kubectl("apply", "-f", str(found.project.root / "generated" / name / "access.yaml"))


def test_a_release_a_rollback_and_a_deletion_are_followed(followed: Followed) -> None:
    followed.wait_until_ready(MODEL)
    followed.wait_until_ready(OTHER)
    assert followed.names("deployments,services,serviceaccounts") == {"aimass", "default"}, (
        "nothing is released"
    )

    followed.release(FIRST, "v1-aaa")
    followed.wait_until_ready(MODEL)
    assert followed.images() == {FIRST}
    (deployment,) = followed.cluster.objects("deployments", followed.project.namespace)
    assert deployment["metadata"]["name"] == MODEL
    assert deployment["status"]["readyReplicas"] == 2, "Flux waited for its servers"

    followed.release(SECOND, "v2-bbb")
    followed.wait_until_ready(MODEL)
    eventually(lambda: followed.images() == {SECOND}, "the second version took over")

    git(followed.project.root, "revert", "--no-edit", "HEAD")
    followed.push()
    followed.wait_until_ready(MODEL)
    eventually(lambda: followed.images() == {FIRST}, "it was rolled back")

    shutil.rmtree(followed.project.root / "releases" / "dev" / MODEL)
    followed.commit("Remove")
    followed.wait_until_ready(MODEL)
    eventually(
        lambda: followed.names("deployments,services,networkpolicies") == set(), "all of it is removed"
    )
    assert followed.names("kustomizations") == {MODEL, OTHER, "aimass-dev"}
