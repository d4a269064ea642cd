"""What runs where: versions, servers, health and commits, as a real cluster has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.conventions import INVENTORY_FILE, LABEL_MODEL, LABEL_QUEUE
from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, Run, config, declare, deployment, git

pytestmark = pytest.mark.cluster
#: An inventory of nothing.
EMPTY = {"format": "aimass.owned/v1", "version": "", "digest": "", "commit": "", "source": "", "objects": []}


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster, namespace: str) -> Project:
    """A project in git with one model."""
    made = Project(tmp_path, namespace, cluster.kubeconfig)
    git(tmp_path, "init", "--quiet")
    declare(made, deployment("churn", replicas=2))
    return made


def models(run: Run) -> dict[str, dict[str, Any]]:
    (place,) = run.document["environments"]
    return {each["model"]: each for each in place["models"]}


def test_a_model_that_is_ready_is_healthy(project: Project) -> None:
    assert project.run("apply", "--timeout=60s").code == 0
    told = models(project.run("status"))["churn"]
    assert (told["version"], told["ready"], told["wanted"], told["health"]) == ("1", 2, 2, "healthy")
    assert (told["inGit"], told["reason"]) == ("as in git", None)
    assert len(told["commit"]) == 40
    head, row = project.run("status", form="people").document["text"].splitlines()
    assert head.split() == [
        "environment",
        "model",
        "version",
        "image",
        "ready",
        "health",
        "age",
        "applied",
        "in",
        "git",
    ]
    assert row.split()[:5] == ["dev", "churn", "1", "2/2", "healthy"]


def test_what_git_has_and_the_cluster_not_is_told(project: Project) -> None:
    run = project.run("status")
    assert run.code == 0
    assert (models(run)["churn"]["health"], models(run)["churn"]["inGit"]) == ("not applied", "only in git")


def test_a_model_behind_git_and_one_that_git_no_longer_has_are_told(project: Project) -> None:
    declare(project, config("other", a="b"), model="other")
    assert project.apply().code == 0
    declare(project, deployment("churn", tag="2"))
    git(project.root, "rm", "-r", "--quiet", "generated/other")
    told = models(project.run("status"))
    assert {name: each["inGit"] for name, each in told.items()} == {
        "churn": "behind git",
        "other": "gone from git",
    }
    assert told["other"]["health"] == "nothing serves"


def test_why_a_model_is_not_healthy_is_told(project: Project, cluster: Cluster, namespace: str) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": namespace},
    }
    cluster.apply([{**quota, "spec": {"hard": {"pods": "0"}}}])
    assert project.run("apply", "--timeout=5s").code == ExitCode.NOT_READY
    told = models(project.run("status"))["churn"]
    assert (told["health"], told["ready"], told["wanted"]) == ("degraded", 0, 2)
    assert "it exceeds the quota `none` of the namespace" in told["reason"]
    text = project.run("status", form="people").document["text"]
    assert "\nchurn in dev: " in text


def test_a_deployment_that_was_deleted_by_hand_is_told(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    assert project.apply().code == 0
    cluster.kubectl("delete", "deployment", "churn", f"--namespace={namespace}")
    told = models(project.run("status"))["churn"]
    assert (told["health"], told["reason"]) == ("degraded", "Deployment churn is gone")


def test_environments_that_cannot_be_reached_are_told_beside_the_others(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    assert project.apply().code == 0
    settings = f"environments: {{dev: {{namespace: {namespace}}}, prod: {{}}}}\n"
    (project.root / "aimass.yaml").write_text(settings, encoding="utf-8")
    binding = ("create", "rolebinding", "viewer", "--clusterrole=view", f"--serviceaccount={namespace}:ci")
    cluster.kubectl(*binding, f"--namespace={namespace}")
    mine = Project(project.root, namespace, cluster.kubeconfig_for(f"{namespace}/ci"))
    run = mine.run("status", environments=())
    dev, prod = run.document["environments"]
    assert (dev["failure"], dev["models"][0]["version"]) == (None, "1")
    assert "may not list configmaps" in prod["failure"]["message"]
    assert run.code == ExitCode.REFUSED
    assert "error: prod: " in run.told


@pytest.mark.parametrize(
    "damage",
    [
        {"data": None},
        {"data": {INVENTORY_FILE: "{"}},
        {"data": {INVENTORY_FILE: '{"format": "aimass.owned/v1", "objects": []}'}},
        {"data": {INVENTORY_FILE: json.dumps({**EMPTY, "commit": None})}},
        {"metadata": {"labels": {LABEL_MODEL: "churn"}}},
    ],
)
def test_a_damaged_inventory_is_told_beside_the_others(
    project: Project, cluster: Cluster, namespace: str, damage: Any
) -> None:
    declare(project, config("other", a="b"), model="other")
    assert project.apply().code == 0
    where = ("configmap", "aimass-other-dev", f"--namespace={namespace}")
    cluster.kubectl("patch", *where, "--type=merge", f"--patch={json.dumps(damage)}")
    run = project.run("status")
    assert run.code == ExitCode.FAILED
    told = models(run)
    assert (told["churn"]["version"], told["churn"]["inGit"], told["churn"]["failure"]) == (
        "1",
        "as in git",
        None,
    )
    assert (told["other"]["health"], told["other"]["inGit"]) == ("unknown", "unknown")
    message = f"the inventory `aimass-other-dev` in `{namespace}` cannot be read"
    assert told["other"]["failure"]["message"] == message
    assert f"error: dev: {message}\nhelp: it was changed by hand: delete the ConfigMap" in run.told
    table = project.run("status", form="people").document["text"]
    rows, _, _ = table.partition("\n\n")  # below are reasons, should pods be unready just then
    assert [line.split()[1] for line in rows.splitlines()] == ["model", "churn", "other"]
    assert message in project.run("status", form="markdown").document["text"]
    assert project.run("status", "churn").code == 0


def test_a_cluster_that_does_not_know_who_asks_is_told(project: Project, cluster: Cluster) -> None:
    wrong = cluster.kubeconfig_for(token="wrong")  # noqa: S106  # which is the point
    run = Project(project.root, project.namespace, wrong).run("status")
    assert run.code == ExitCode.UNREACHABLE
    assert "does not accept the token" in run.document["environments"][0]["failure"]["message"]


def test_what_fails_alike_in_several_environments_is_told_once(project: Project) -> None:
    (project.root / "aimass.yaml").write_text("environments: {dev: {}, prod: {}}\n", encoding="utf-8")
    run = Project(project.root, project.namespace, project.root / "nowhere").run("status", environments=())
    assert run.told.count("error: ") == 1
    assert "error: dev, prod: there is no kubeconfig" in run.told


def test_an_environment_in_another_cluster_is_not_looked_for_here(project: Project, namespace: str) -> None:
    assert project.apply().code == 0
    dev = f"dev: {{namespace: {namespace}, server: 'https://dev.example.com:6443'}}"
    (project.root / "aimass.yaml").write_text(f"environments: {{{dev}}}\n", encoding="utf-8")
    run = project.run("status", environments=())
    assert (run.code, models(run)) == (ExitCode.FAILED, {})
    assert (
        "dev: it lies in the cluster https://dev.example.com:6443, and this context is of https://"
        in run.told
    )
    assert models(project.run("status"))["churn"]["version"] == "1"


def test_only_the_models_that_are_named_are_shown(project: Project) -> None:
    declare(project, config("other", a="b"), model="other")
    assert set(models(project.run("status", "other"))) == {"other"}
    nobody = project.run("status", "othr")
    assert nobody.code == ExitCode.USAGE
    assert "did you mean `other`?" in nobody.told


def test_a_training_job_that_waits_in_a_queue_is_told(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    labels = {LABEL_MODEL: "churn", LABEL_QUEUE: "trials"}
    spec = {"entrypoint": "true", "suspend": True, "rayClusterSpec": {"headGroupSpec": {"template": {}}}}
    head = {"name": "churn-train", "namespace": namespace, "labels": labels}
    cluster.apply([{"apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": head, "spec": spec}])
    run = project.run("status")
    (place,) = run.document["environments"]
    (job,) = place["jobs"]
    assert (job["model"], job["name"]) == ("churn", "RayJob churn-train")
    assert job["state"].startswith("it waits in the queue trials, ")
    text = project.run("status", form="people").document["text"]
    assert f"\nchurn is trained in dev: RayJob churn-train: {job['state']}\n" in text
