"""Going back at once: the pods run what ran before, the bad release stays away, and its merge ends that."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import connect
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.rollback import Rollback, RolledBack, roll_back
from aimass_compiler.releases.release_file import Release
from aimass_compiler.releases.version_record import ImageDigest
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, config, declare, deployment, git, service
from tests.cluster.test_access import LESS, acts, answers, compiled, rights
from tests.cluster.test_apply import inventory
from tests.delivery.deliveries import Repository, digest, version
from tests.harness.api_proxy import Asked, Proxy

pytestmark = pytest.mark.cluster
SERVERS = 3
OTHERS = 100
REASON = "wrong predictions"
DIFFERS = 2


def digest_of(version: str) -> str:
    return "sha256:" + (version.encode().hex() * 32)[:64]


def reference_of(version: str) -> str:
    return f"registry.example.com/churn@{digest_of(version)}"


def released(version: str, **variables: str) -> dict[str, Any]:
    """The Deployment of a release, as its component makes it."""
    env = [{"name": name, "value": value} for name, value in variables.items()]
    made = deployment("churn", replicas=SERVERS, container={"image": reference_of(version), "env": env})
    annotations = {conventions.ANNOTATION_VERSION: version}
    made["metadata"]["annotations"] = annotations
    made["spec"]["template"]["metadata"]["annotations"] = annotations
    return made


def rolled_back(project: Project, to: Release | None = None, timeout: float = 120) -> RolledBack:
    wanted = Rollback("churn", "dev", project.namespace, REASON, timeout, to)
    return roll_back(connect(project.kubeconfig), wanted, list[str]().append)


def running(cluster: Cluster, namespace: str) -> set[str]:
    """The images of all pods that are to stay."""
    pods = cluster.objects("pods", namespace, "aimass.dev/model=churn")
    there = [each for each in pods if "deletionTimestamp" not in each["metadata"]]
    assert len(there) == SERVERS
    return {container["image"] for each in there for container in each["spec"]["containers"]}


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster, namespace: str) -> Project:
    """A model whose second version is bad, and applied."""
    root = tmp_path / "models"
    root.mkdir()
    git(root, "init", "--quiet")
    made = Project(root, namespace, cluster.kubeconfig)
    for name in ("v1", "v2"):
        declare(made, released(name), service("churn"))
        assert made.run("apply", "--timeout=90s").code == 0
    return made


@pytest.fixture
def oncall(project: Project, tmp_path: Path, cluster: Cluster) -> Project:
    """The same in the hands of who may only roll back, without a file of it."""
    home = Project(tmp_path / "nowhere", project.namespace, cluster.kubeconfig)
    home.root.mkdir()
    account = {"service_account": {"name": "oncall"}}
    compiled(home, LESS, oncall=account)
    cluster.kubectl("apply", f"-f{home.root / 'generated/churn/access.yaml'}")
    return replace(home, kubeconfig=cluster.kubeconfig_for(f"{project.namespace}/oncall"))


def beside(cluster: Cluster, namespace: str) -> None:
    """A hundred other models, as applying leaves them."""
    made: list[dict[str, Any]] = []
    for number in range(OTHERS):
        name = f"other-{number}"
        labels = {
            conventions.LABEL_MODEL: name,
            conventions.LABEL_ENVIRONMENT: "dev",
            conventions.LABEL_MANAGED_BY: conventions.MANAGER,
            conventions.LABEL_COMPONENT: "inventory",
        }
        content = {"format": "aimass.owned/v2", "version": "v1", "digest": "d", "commit": "", "source": ""}
        kept = config(
            f"aimass-{name}-dev", **{conventions.INVENTORY_FILE: json.dumps({**content, "objects": []})}
        )
        kept["metadata"] |= {"namespace": namespace, "labels": labels}
        server = deployment(name, replicas=1)
        server["metadata"] |= {"namespace": namespace, "labels": labels}
        server["spec"]["template"]["metadata"]["labels"] |= labels
        made += [kept, server]
    cluster.apply(made)


def test_who_is_on_call_goes_back_among_a_hundred_other_models(
    project: Project, oncall: Project, cluster: Cluster, namespace: str
) -> None:
    beside(cluster, namespace)
    others = cluster.objects("configmaps,services", namespace)
    done = rolled_back(oncall, timeout=300)
    assert (done.release.version, done.pods, done.hold.version) == ("v1", SERVERS, "v2")
    assert running(cluster, namespace) == {reference_of("v1")}
    own = "aimass-churn-dev"
    left = cluster.objects("configmaps,services", namespace)
    assert [each for each in left if each["metadata"]["name"] != own] == [
        each for each in others if each["metadata"]["name"] != own
    ]
    # Whoever applies next brings it back no more, and changes nothing.
    refused = project.run("apply", "--timeout=60s")
    assert (refused.code, refused.actions()) == (ExitCode.HELD, {})
    assert f"`v2` is held back by {done.hold.by} since {done.hold.at}: {REASON}" in refused.told
    assert "merge the pull request that rolls `churn` back" in refused.told
    assert refused.document["models"][0]["exitCode"] == ExitCode.HELD
    assert project.run("apply", "--dry-run").code == ExitCode.HELD
    assert running(cluster, namespace) == {reference_of("v1")}
    (told,) = [
        each
        for each in project.run("status").document["environments"][0]["models"]
        if each["model"] == "churn"
    ]
    assert (told["version"], told["digest"], told["inGit"]) == ("v1", digest_of("v1"), "held")
    assert told["holds"][0]["digests"] == [digest_of("v2")]
    drift = project.run("drift", form="people")
    assert (drift.code, "`v2` is held back by" in drift.document["text"]) == (DIFFERS, True)
    # The merge of the pull request makes it true in git, and the hold has done its work.
    declare(project, released("v1"), service("churn"))
    lifted = project.run("apply", "--timeout=60s")
    assert (lifted.code, set(lifted.actions().values())) == (0, {"unchanged"})
    assert "the hold is lifted (git has v1): `v2` is held back" in lifted.told
    kept = inventory(cluster, namespace)
    assert (kept["holds"], kept["lifted"]["hold"]["version"], kept["complete"]) == ([], "v2", True)


def test_what_a_release_brought_besides_its_images_stays(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    limits = {"LIMIT": "7", "BODY": "1"}  # in an order that is no alphabet's
    declare(project, released("v3", **limits), service("churn"))
    assert project.run("apply", "--timeout=60s").code == 0
    kubectl = ("annotate", "deployment", "churn", "team=growth", f"--namespace={namespace}")
    cluster.kubectl(*kubectl)
    assert rolled_back(project).release.version == "v2"
    live = cluster.get("deployment", "churn", namespace)
    (container,) = live["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": name, "value": value} for name, value in limits.items()]
    assert live["metadata"]["annotations"]["team"] == "growth"
    assert live["metadata"]["annotations"][conventions.ANNOTATION_VERSION] == "v2"
    declare(project, released("v2", **limits), service("churn"))
    assert set(project.apply().actions().values()) == {"unchanged"}


def test_an_apply_that_is_under_way_stops_and_says_why(
    project: Project, proxy: Proxy, cluster: Cluster, namespace: str
) -> None:
    declare(project, released("v3"), service("churn"))
    through = replace(project, kubeconfig=proxy.kubeconfig)
    back: list[RolledBack] = []

    def before(asked: Asked) -> None:
        # It has begun, and is about to take the lease for its own once more.
        if asked.method == "PUT" and "/leases/" in asked.path and not back:
            back.append(rolled_back(project))

    proxy.before = before
    stopped = through.run("apply", "--timeout=60s")
    assert [each.release.version for each in back] == ["v2"]
    assert (stopped.code, "`v3` is held back" in stopped.told) == (ExitCode.HELD, True), stopped.told
    assert running(cluster, namespace) == {reference_of("v2")}
    assert project.apply().code == ExitCode.HELD


def test_what_a_stopped_run_still_sends_is_changed_again(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    declare(project, released("v3"), service("churn"))
    assert project.apply().code == 0  # without waiting: its pods are on their way
    assert rolled_back(project).release.version == "v2"
    assert running(cluster, namespace) == {reference_of("v2")}


def test_going_back_twice_changes_nothing_and_a_named_version_goes_further(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    assert rolled_back(project).hold.version == "v2"
    again = rolled_back(project)
    assert (again.release.version, again.hold.version) == ("v1", "v2")
    named = Release(
        environment="dev",
        model="churn",
        images={"churn": ImageDigest("registry.example.com/churn", digest_of("v0"))},
        version="v0",
    )
    further = rolled_back(project, named)
    assert (further.release.version, further.hold.version) == ("v0", "v1")
    assert running(cluster, namespace) == {reference_of("v0")}
    assert [each["version"] for each in inventory(cluster, namespace)["holds"]] == ["v2", "v1"]
    for name in ("v1", "v2"):
        declare(project, released(name), service("churn"))
        assert project.apply().code == ExitCode.HELD


@pytest.fixture
def repository(tmp_path: Path, capsys: pytest.CaptureFixture[str], namespace: str) -> Repository:
    """A project in git with two versions on record."""
    made = Repository(tmp_path / "delivered", capsys)
    settings = f"environments: {{dev: {{namespace: {namespace}}}}}\n"
    made.write("aimass.yaml", settings)
    made.write("specs/churn.yaml", "")
    made.record(version(1), version(2))
    made.git("init", "--quiet", "--initial-branch", "main")
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.com"), ("commit.gpgsign", "false")):
        made.git("config", name, value)
    return made


def recorded(number: int) -> dict[str, Any]:
    """The Deployment of a version that is on record."""
    record = version(number)
    assert record.image is not None
    made = released(record.name)
    (container,) = made["spec"]["template"]["spec"]["containers"]
    container["image"] = record.image.reference
    return made


def test_the_command_goes_back_and_then_makes_it_true_in_git(
    repository: Repository, cluster: Cluster, namespace: str
) -> None:
    project = Project(repository.root, namespace, cluster.kubeconfig)
    for number in (1, 2):
        project.declare(recorded(number))
        repository.release("dev", number, at=f"2026-11-0{number}T00:00:00Z")
        assert project.run("apply", "--timeout=90s").code == 0
    words = ("churn", "--env", "dev", "--now", "--reject", REASON, f"--kubeconfig={cluster.kubeconfig}")
    done = repository.aimass("rollback", *words)
    first, second = version(1), version(2)
    assert f"churn in dev: `{first.name}` runs in all {SERVERS} pods after" in done.out
    assert running(cluster, namespace) == {first.image.reference if first.image else ""}
    # There is no remote to push to: the commit is made all the same, and the rest is said.
    (branch,) = repository.git("branch", "--list", "aimass/*", "--format=%(refname:short)").splitlines()
    assert digest(1) in repository.git("show", f"{branch}:releases/dev/churn/kustomization.yaml")
    assert REASON in repository.git("show", f"{branch}:versions/churn/{second.name}.rejected.json")
    assert "note: the cluster has gone back, and git does not say so yet" in done.err
    assert done.code == ExitCode.FAILED
    assert project.apply().code == ExitCode.HELD


def test_what_ran_before_is_not_always_known(tmp_path: Path, cluster: Cluster, namespace: str) -> None:
    project = Project(tmp_path, namespace, cluster.kubeconfig)
    with pytest.raises(ClusterError, match="nothing of `churn` was applied in dev"):
        rolled_back(project)
    project.declare(released("v1"))
    assert project.apply().code == 0
    with pytest.raises(ClusterError, match="it is not known what ran before `v1` in dev"):
        rolled_back(project)
    assert inventory(cluster, namespace)["holds"] == []


def test_an_older_commit_lifts_nothing(project: Project, cluster: Cluster, namespace: str) -> None:
    rolled_back(project)
    git(project.root, "checkout", "--quiet", "HEAD~1")
    older = project.run("apply", "--timeout=60s")
    assert (older.code, "that stays, as this is no commit after" in older.told) == (0, True)
    git(project.root, "checkout", "--quiet", "-")
    assert project.apply().code == ExitCode.HELD


@pytest.mark.parametrize("way", ["git's history", "the cluster's namespaces"])
def test_a_hold_follows_a_model_into_another_namespace(
    project: Project, cluster: Cluster, namespace: str, way: str
) -> None:
    if way == "the cluster's namespaces":
        shutil.rmtree(project.root / ".git")
        git(project.root, "init", "--quiet")
        git(project.root, "remote", "add", "origin", "https://github.com/acme/models.git")
        git(project.root, "commit", "--quiet", "--allow-empty", "--message=Begin")
        declare(project, released("v2"), service("churn"))
        assert project.run("apply", "--timeout=60s").code == 0
    rolled_back(project)
    other = f"{namespace}-moved"
    cluster.namespaces(other)
    moved = replace(project, namespace=other)
    declare(moved, released("v2"), service("churn"))
    refused = moved.apply()
    assert (refused.code, "`v2` is held back by" in refused.told) == (ExitCode.HELD, True)
    assert cluster.objects("configmaps,deployments", other, "aimass.dev/model=churn") == []
    # Once it was applied there, the hold is that namespace's own, whatever becomes of the other one.
    git(project.root, "checkout", "--quiet", "-b", "older", "HEAD~2")
    declare(moved, released("v1"), service("churn"))
    assert moved.apply().code == 0
    cluster.kubectl("delete", "configmap", "aimass-churn-dev", f"--namespace={namespace}")
    declare(moved, released("v2"), service("churn"))
    assert moved.apply().code == ExitCode.HELD
    cluster.kubectl("delete", "namespace", other, "--wait=false")


def test_who_knows_better_lifts_a_hold_and_that_is_on_record(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    rolled_back(project)
    assert project.run("apply", "--ignore-hold").code == ExitCode.USAGE
    done = project.run("apply", "churn", "--ignore-hold", "--timeout=60s")
    assert (done.code, "the hold is lifted (--ignore-hold)" in done.told) == (0, True)
    assert running(cluster, namespace) == {reference_of("v2")}
    kept = inventory(cluster, namespace)
    assert (kept["holds"], kept["lifted"]["reason"]) == ([], "--ignore-hold")


def test_who_is_on_call_can_do_nothing_else(project: Project, oncall: Project, cluster: Cluster) -> None:
    answered = {
        (method, path): answers(oncall.kubeconfig, method, path, sent)
        for method, path, sent in acts(project.namespace)
    }
    assert set(answered.values()) == {403}, answered
    assert oncall.run("apply", "--no-wait").code == ExitCode.REFUSED
    assert rights(cluster, "aimass-churn-dev-rollback", project.namespace) == {
        ("", "configmaps", "get"),
        ("", "configmaps", "update"),
        ("", "pods", "list"),
        ("apps", "deployments", "get"),
        ("apps", "deployments", "patch"),
        ("coordination.k8s.io", "leases", "get"),
        ("coordination.k8s.io", "leases", "update"),
    }
