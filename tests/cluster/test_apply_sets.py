"""What is made for all models is applied and pruned, and what another repository applied is left alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, cloned, config, names

pytestmark = pytest.mark.cluster


def declared(project: Project, *configs: str) -> Path:
    """Let rules of the fleet stand for ConfigMaps of these names."""
    folder = project.root / "generated/fleet/monitoring"
    folder.mkdir(parents=True, exist_ok=True)
    (project.root / "aimass.yaml").write_text("environments: {dev: {}}", encoding="utf-8")
    wanted = {"namespace": project.namespace, "resources": ["objects.yaml"]}
    (folder / "kustomization.yaml").write_text(json.dumps(wanted), encoding="utf-8")
    objects = [config(name, declared="yes") for name in configs]
    (folder / "objects.yaml").write_text("\n---\n".join(map(json.dumps, objects)), encoding="utf-8")
    return folder


def test_what_is_no_longer_declared_is_deleted_and_nothing_else(project: Project, cluster: Cluster) -> None:
    cloned(project.root)
    cluster.apply([config("mine") | {"metadata": {"name": "mine", "namespace": project.namespace}}])
    folder = declared(project, "a", "b")
    assert project.run("fleet").code == 2
    assert "a" not in names(cluster, "configmaps", project.namespace)
    assert project.run("fleet", "--apply").code == 0
    assert project.run("fleet").code == 0
    declared(project, "a")
    applied = project.run("fleet", "monitoring", "--apply").actions("monitoring", "all environments")
    assert applied == {
        "ConfigMap a": "unchanged",
        "ConfigMap b": "deleted",
    }
    shutil.rmtree(folder)
    assert project.run("fleet", "--apply").code == 0
    assert names(cluster, "configmaps", project.namespace) == {"mine"}


def test_another_repository_takes_an_object_only_when_told(
    project: Project, cluster: Cluster, tmp_path: Path
) -> None:
    other = Project(tmp_path / "other", project.namespace, project.kubeconfig)
    other.root.mkdir()
    for each in (project, other):
        cloned(each.root)
        declared(each, "a")
    assert project.run("fleet", "--apply").code == 0
    refused = other.run("fleet", "--apply")
    assert refused.code == ExitCode.CONFLICT
    assert "ConfigMap a is of another set of objects" in refused.told
    assert other.run("fleet", "--apply", "--force-conflicts").code == 0
    shutil.rmtree(project.root / "generated/fleet/monitoring")
    assert project.run("fleet", "--apply").code == 0
    assert "a" in names(cluster, "configmaps", project.namespace)


def test_without_an_address_nothing_is_deleted(project: Project, cluster: Cluster) -> None:
    declared(project, "a", "b")
    assert project.run("fleet", "--apply").code == 0
    declared(project, "a")
    left = project.run("fleet", "--apply")
    assert left.actions("monitoring", "all environments")["ConfigMap b"] == "left"
    assert "b" in names(cluster, "configmaps", project.namespace)


def test_what_is_not_there_is_named(project: Project) -> None:
    declared(project, "a")
    for words, message in (
        (("monitorin",), "did you mean `monitoring`?"),
        (("teams/growth",), "generated/fleet has no `teams/growth` for dev"),
    ):
        found = project.run("fleet", *words)
        assert (found.code, message in found.told) == (1, True), found.told
    assert "no environment `prod`" in project.run("fleet", environments=("prod",)).told
