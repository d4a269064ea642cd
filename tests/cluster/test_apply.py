"""Applying, pruning and deleting, on a real API server: what changes, what stays, and what is told."""

from __future__ import annotations

import json
import subprocess

import pytest

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, config, deployment, names, service

pytestmark = pytest.mark.cluster
MANAGER = conventions.MANAGER
ALL = (config("settings", colour="red"), service("churn"), deployment("churn"))


def inventory(cluster: Cluster, namespace: str, model: str = "churn") -> dict[str, object]:
    """The inventory of a model in dev."""
    kept = cluster.get("configmap", f"aimass-{model}-dev", namespace)
    document: dict[str, object] = json.loads(kept["data"]["inventory.json"])
    return document


def owned(cluster: Cluster, namespace: str, model: str = "churn") -> list[str]:
    """The objects that an inventory lists."""
    listed = inventory(cluster, namespace, model)["objects"]
    assert isinstance(listed, list)
    return [f"{each['kind']} {each['name']}" for each in listed]


def test_what_is_declared_is_created_and_the_second_time_nothing_changes(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    project.declare(*ALL)
    first = project.apply()
    assert (first.code, set(first.actions().values())) == (0, {"created"})
    before = cluster.objects("configmaps,services", namespace)
    second = project.apply()
    assert (second.code, set(second.actions().values())) == (0, {"unchanged"})
    assert cluster.objects("configmaps,services", namespace) == before
    assert owned(cluster, namespace) == ["ConfigMap settings", "Service churn", "Deployment churn"]
    assert inventory(cluster, namespace)["version"] == "1"
    assert cluster.objects("leases", namespace) == []


def test_only_what_changed_is_written(project: Project, cluster: Cluster, namespace: str) -> None:
    project.declare(*ALL)
    project.apply()
    project.declare(config("settings", colour="blue"), *ALL[1:])
    assert project.apply().actions() == {
        "ConfigMap settings": "changed",
        "Service churn": "unchanged",
        "Deployment churn": "unchanged",
    }
    assert cluster.get("configmap", "settings", namespace)["data"] == {"colour": "blue"}


def test_a_dry_run_tells_and_changes_nothing(project: Project, cluster: Cluster, namespace: str) -> None:
    project.declare(*ALL)
    tried = project.run("apply", "--dry-run=server")
    assert (tried.code, set(tried.actions().values())) == (0, {"created"})
    assert cluster.objects("services,deployments,leases", namespace) == []
    project.apply()
    project.declare(config("settings", colour="blue"), ALL[1])
    tried = project.run("apply", "--dry-run=server")
    assert tried.actions() == {
        "ConfigMap settings": "changed",
        "Service churn": "unchanged",
        "Deployment churn": "deleted",
    }
    assert cluster.get("configmap", "settings", namespace)["data"] == {"colour": "red"}
    assert len(owned(cluster, namespace)) == 3
    told = project.run("apply", "--dry-run=server", form="people").document["text"]
    assert "data.colour" in told
    assert "blue" in told


def test_what_is_no_longer_declared_is_pruned_and_nothing_else(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    project.declare(*ALL, service("old"))
    project.declare(service("other"), model="other")
    project.apply()
    cluster.apply([{**service("stranger"), "metadata": {"name": "stranger", "namespace": namespace}}])
    project.declare(*ALL)
    done = project.apply()
    assert done.code == 0
    assert done.actions()["Service old"] == "deleted"
    left = names(cluster, "services", namespace)
    assert left == {"churn", "other", "stranger"}
    assert "Service old" not in owned(cluster, namespace)


def test_no_prune_leaves_it_and_a_later_run_prunes_it(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    project.declare(*ALL, service("old"))
    project.apply()
    project.declare(*ALL)
    assert project.apply("--no-prune").actions()["Service old"] == "left"
    assert "Service old" in owned(cluster, namespace)
    assert project.apply().actions()["Service old"] == "deleted"


def test_what_no_longer_carries_our_labels_is_left_and_told(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    project.declare(*ALL, service("adopted"))
    project.apply()
    labels = f"{conventions.LABEL_MODEL}-", f"--namespace={namespace}"
    cluster.kubectl("label", "service", "adopted", *labels)
    project.declare(*ALL)
    done = project.apply(form="people")
    assert "! Service adopted, it no longer carries the labels of this model" in done.document["text"]
    assert cluster.get("service", "adopted", namespace)


def test_what_pods_may_still_read_goes_only_once_the_new_ones_are_ready(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    project.declare(config("settings-1"), deployment("churn"))
    assert project.run("apply").code == 0
    project.declare(config("settings-2"), deployment("churn", tag="2"))
    assert project.apply().actions()["ConfigMap settings-1"] == "left"
    assert "ConfigMap settings-1" in owned(cluster, namespace)
    assert project.run("apply").actions()["ConfigMap settings-1"] == "deleted"
    assert "ConfigMap settings-1" not in owned(cluster, namespace)


def test_what_serves_is_waited_for(project: Project) -> None:
    project.declare(*ALL)
    done = project.run("apply")
    assert (done.code, done.document["models"][0]["ready"]) == (0, True)


def test_two_environments_cannot_share_a_namespace_unnoticed(project: Project) -> None:
    project.declare(*ALL)
    project.declare(*ALL, environment="staging")
    assert project.apply().code == 0
    for command in ("apply", "diff", "drift"):
        done = project.run(command, environments=["staging"])
        assert done.code == ExitCode.CONFLICT
        assert "belongs to `churn` in dev" in done.told


def test_the_summary_of_a_workflow_tells_what_changed(project: Project) -> None:
    project.declare(*ALL)
    project.apply()
    project.declare(config("settings", colour="```blue"), *ALL[1:])
    told = project.apply(form="markdown").document["text"]
    assert told.startswith("### ✅ churn in dev\n\n````diff\n")
    assert "!   ConfigMap settings" in told
    assert "```blue" in told


def test_models_that_git_no_longer_has_are_removed_with_all_others(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    git = ("git", "-C", str(project.root))
    subprocess.run([*git, "init", "-q"], check=True)
    remote = "https://user:secret@example.com/acme/models.git"
    subprocess.run([*git, "remote", "add", "origin", remote], check=True)
    project.declare(*ALL)
    project.declare(service("other"), model="other")
    assert project.apply().code == 0
    assert inventory(cluster, namespace)["source"] == "example.com/acme/models"
    for path in sorted((project.root / "generated/other").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (project.root / "generated/other").rmdir()
    assert project.apply("churn").document["models"][0]["model"] == "churn"
    assert cluster.get("service", "other", namespace)
    done = project.apply()
    assert done.actions("other") == {"Service other": "deleted"}
    assert "dev: git no longer has `other`; they are removed" in done.told
    left = names(cluster, "services,configmaps", namespace)
    assert left == {"churn", "settings", "aimass-churn-dev"}


def test_models_of_another_repository_stay(project: Project, cluster: Cluster, namespace: str) -> None:
    project.declare(service("other"), model="other")
    project.apply()
    theirs = Project(project.root / "theirs", namespace, project.kubeconfig)
    theirs.declare(*ALL)
    assert theirs.apply().code == 0
    assert cluster.get("service", "other", namespace)


def test_a_model_is_deleted_by_its_inventory_whether_git_has_it_or_not(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    project.declare(*ALL)
    project.apply()
    project.declare(service("other"), model="other")
    cluster.apply([{**service("stranger"), "metadata": {"name": "stranger", "namespace": namespace}}])
    for path in (project.root / "generated/churn/overlays/dev").iterdir():
        path.unlink()
    done = project.run("delete", "churn", "--yes")
    assert (done.code, set(done.actions().values())) == (0, {"deleted"})
    left = names(cluster, "services,configmaps,deployments", namespace)
    assert left == {"stranger"}
    again = project.run("delete", "churn", "--yes")
    assert (again.code, "nothing of it is in" in again.told) == (0, True)


def test_nothing_is_deleted_unless_somebody_agrees(
    project: Project, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.declare(*ALL)
    project.apply()
    done = project.run("delete", "churn")
    assert done.code == ExitCode.USAGE
    assert "- Deployment churn" in done.told
    assert project.run("delete", "churn", "--dry-run").code == 0
    assert len(owned(cluster, namespace)) == 3


def test_an_overlay_that_cannot_be_built_fails_alone(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    project.declare(*ALL)
    project.declare(service("other"), model="other")
    (project.root / "generated/other/overlays/dev/objects.yaml").write_text("kind: [", encoding="utf-8")
    done = project.apply()
    assert done.code == ExitCode.FAILED
    assert "kustomize cannot build" in done.told
    assert "generated/other/overlays/dev" in done.told
    assert set(done.actions().values()) == {"created"}
    assert names(cluster, "services", namespace) == {"churn"}


def test_an_object_without_the_labels_of_its_overlay_is_applied_with_the_others(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    project.declare(*ALL)
    overlay = project.root / "generated/churn/overlays/dev"
    (overlay / "own.yaml").write_text(json.dumps(config("own")), encoding="utf-8")
    (overlay / "kustomization.yaml").write_text(
        f"namespace: {namespace}\nresources: [objects.yaml, own.yaml]\n", encoding="utf-8"
    )
    project.declare(service("other"), model="other")
    done = project.apply()
    assert done.code == 0
    assert names(cluster, "configmaps", namespace) >= {"settings", "own"}
