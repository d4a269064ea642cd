"""Flux's own controllers bring what is released to a cluster, take it back, and remove it."""

from __future__ import annotations

import io
import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode
from scripts.cluster import flux, programs
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, Run, git
from tests.cluster.served import MODEL, SPECS, eventually
from tests.harness import git_server
from tests.harness.releases import release

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
#: The models are a team's, which Flux reads no other folders of; the other one has canaries.
TEAM, OTHER = "growth", "careful"
PATH = f"{TEAM}/{MODEL}"
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
        git(self.project.root, "commit", "--quiet", "--allow-empty", f"--message={message}")
        self.push()

    def push(self) -> None:
        """Push what is committed, and tell Flux of it as a webhook would."""
        git(self.project.root, "push", "--quiet", "origin", "main")
        self.kubectl("annotate", "gitrepositories", "--all", "--overwrite", f"{_NOW}={secrets.token_hex(4)}")

    def release(self, digest: str, version: str, model: str = PATH) -> None:
        release(self.project.root, model, "dev", digest=digest, version=version)
        self.commit(f"Release {version}")

    def suspend(self, name: str) -> None:
        """Let Flux leave alone what a Kustomization stands for."""
        self.kubectl("patch", "kustomization", name, "--type=merge", '-p={"spec":{"suspend":true}}')

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

    def pods(self) -> list[str]:
        """The names of all pods that are there."""
        found = self.cluster.objects("pods", self.project.namespace, f"aimass.dev/model={MODEL}")
        return [each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"]]

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
    (root / "specs" / TEAM).mkdir(parents=True)
    spec = yaml.safe_load((SPECS / f"{MODEL}.yaml").read_text(encoding="utf-8"))
    small = {"cpu": "100m", "memory": "256Mi"}
    spec |= {"serving": {"replicas": {"min": 2, "max": 2}, "resources": small}}
    del spec["evaluation"]
    for name, rollout in ((MODEL, {}), (OTHER, {"rollout": {"canary": [25, 100]}})):
        named = spec | {"metadata": spec["metadata"] | {"name": name}, "serving": spec["serving"] | rollout}
        (root / "specs" / TEAM / f"{name}.yaml").write_text(json.dumps(named), encoding="utf-8")
    settings = {
        "engine": "flux",
        "repository": {"url": f"{url}/models.git"},
        "engine_namespace": namespace,
        "environments": {"dev": {"namespace": f"{namespace}-shared"}},
        "teams": {"namespace": namespace.removesuffix("-growth-dev") + "-{team}-{environment}"},
        "images": {"registry": "registry.example.com/ml"},
    }
    (root / "aimass.yaml").write_text(json.dumps(settings), encoding="utf-8")
    assert main(["compile", "--root", str(root)]) == 0


@pytest.fixture(scope="module")
def followed(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, build: Callable[[Sequence[str]], None]
) -> Iterator[Followed]:
    build(programs.FLUX)
    if shutil.which("git") is None:
        pytest.skip("git is not on the PATH")
    folder, namespace = tmp_path_factory.mktemp("flux"), f"test-{secrets.token_hex(4)}-growth-dev"
    cluster.namespaces(namespace)
    root = folder / "models"
    with git_server.served(folder) as url:
        compiled(root, namespace, url)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "models.git")
        git(root, "init", "--quiet", "--initial-branch=main")
        git(root, "remote", "add", "origin", str(folder / "models.git"))
        with flux.running(cluster, namespace, folder) as controllers:
            found = Followed(Project(root, namespace, cluster.kubeconfig), cluster, controllers)
            allowed(found)
            found.commit("Begin")
            # What an administrator does once.
            cluster.kubectl("apply", "-k", str(root / "generated/fleet/flux/dev"))
            yield found
            # Or its finalizers would keep the namespace.
            found.suspend("aimass-dev")
            found.kubectl("delete", "kustomizations", "--all", "--timeout=60s")
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")


def allowed(found: Followed) -> None:
    """Give the account that Flux acts as the rights that are generated, and no others."""
    cluster, namespace = found.cluster, found.project.namespace
    cluster.token_of(f"{namespace}/aimass")
    for name in (MODEL, OTHER):
        cluster.kubectl("apply", "-f", str(found.project.root / "generated" / TEAM / name / "access.yaml"))


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

    shutil.rmtree(followed.project.root / "releases" / "dev" / TEAM / MODEL)
    followed.commit("Remove")
    followed.wait_until_ready(MODEL)
    eventually(
        lambda: followed.names("deployments,services,networkpolicies") == set(), "all of it is removed"
    )
    assert followed.names("kustomizations") == {MODEL, OTHER, "aimass-dev"}


def test_a_version_that_never_gets_ready_does_not_keep_the_next_commit_waiting(followed: Followed) -> None:
    followed.release(FIRST, "v1-aaa")
    followed.wait_until_ready(MODEL)
    overlay = followed.project.root / f"generated/{PATH}/overlays/dev/unreleased/kustomization.yaml"
    nowhere = {"op": "add", "path": "/spec/template/spec/nodeSelector", "value": {"is": "nowhere"}}
    document = yaml.safe_load(overlay.read_text(encoding="utf-8"))
    patch = {"target": {"kind": "Deployment"}, "patch": json.dumps([nowhere])}
    document["patches"] = [*document.get("patches", ()), patch]
    overlay.write_text(yaml.safe_dump(document), encoding="utf-8")
    followed.commit("Ask for a node that there is not")
    eventually(lambda: len(followed.pods()) > 2, "its pods wait")
    assert followed.ready(MODEL)[0] != "True", "ten minutes would be left"
    git(followed.project.root, "revert", "--no-edit", "HEAD")
    followed.push()
    followed.wait_until_ready(MODEL)
    eventually(lambda: len(followed.pods()) == 2, "only what serves is left")


def test_a_canary_is_waited_for_until_its_first_step(followed: Followed) -> None:
    """Argo Rollouts does not run here: what it would say is written in its place."""
    followed.release(FIRST, "v1-aaa", f"{TEAM}/{OTHER}")
    eventually(lambda: OTHER in followed.names("rollouts"), "there is a Rollout")
    live = followed.cluster.get("rollout", OTHER, followed.project.namespace)
    seen = {"observedGeneration": str(live["metadata"]["generation"])}

    def say(**status: object) -> None:
        patch = json.dumps({"status": {**seen, **status}})
        followed.kubectl("patch", "rollout", OTHER, "--subresource=status", "--type=merge", f"-p={patch}")

    say(phase="Progressing", currentStepIndex=0)
    time.sleep(3)
    assert followed.ready(OTHER)[0] == "Unknown", "its pods are not there yet"
    say(phase="Progressing", currentStepIndex=1)
    followed.wait_until_ready(OTHER)
    say(phase="Degraded", currentStepIndex=0)
    followed.commit("Look again")
    eventually(lambda: followed.ready(OTHER)[0] == "False", "it has failed")


def test_aimass_changes_nothing_that_flux_applies_and_says_how_it_is(followed: Followed) -> None:
    followed.release(FIRST, "v1-aaa")
    followed.wait_until_ready(MODEL)
    project = followed.project
    before = followed.cluster.get("deployment", MODEL, project.namespace)
    for words in (("apply", PATH, "--no-wait"), ("delete", PATH, "--yes")):
        refused = project.run(*words)
        assert (refused.code, "Flux applies dev" in refused.told) == (ExitCode.CONFLICT, True), refused.told
    refused = at_once(project)
    assert refused.code == ExitCode.CONFLICT
    assert f"kubectl patch kustomization {MODEL} -n {project.namespace}" in refused.told
    assert "kubectl rollout undo" in refused.told
    settings = project.root / "aimass.yaml"
    kept = settings.read_text(encoding="utf-8")
    settings.write_text(json.dumps({**json.loads(kept), "engine": "apply"}), encoding="utf-8")
    refused = project.run("apply", PATH, "--no-wait")
    assert refused.code == ExitCode.CONFLICT, "whatever the settings of a checkout say"
    assert f"Flux (Kustomization {project.namespace}/{MODEL}) applied" in refused.told
    settings.write_text(kept, encoding="utf-8")
    after = followed.cluster.get("deployment", MODEL, project.namespace)
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    told = project.run("status")
    (place,) = (each for each in told.document["environments"] if each["namespace"] == project.namespace)
    (model,) = (each for each in place["models"] if each["model"] == PATH)
    assert (told.code, model["version"], model["inGit"]) == (0, "v1-aaa", "as in git"), model
    for command, words in (("diff", "8 as git has them"), ("drift", "as git has it")):
        told = project.run(command, PATH, form="people")
        assert (told.code, words in told.document["text"]) == (0, True), told


def at_once(project: Project) -> Run:
    out, told = io.StringIO(), io.StringIO()
    where = ["--kubeconfig", str(project.kubeconfig), "--root", str(project.root)]
    with redirect_stdout(out), redirect_stderr(told):
        code = main(["rollback", PATH, "--env", "dev", "--now", *where])
    return Run(code, {}, told.getvalue())
