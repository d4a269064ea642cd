"""Two teams have a model of one name, each in its own namespace: what one applies is nothing to the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, config, git, names

pytestmark = pytest.mark.cluster
GROWTH, RISK = "growth/churn", "risk/churn"


@pytest.fixture
def other(cluster: Cluster, namespace: str) -> Iterator[str]:
    """The namespace of the second team."""
    name = f"{namespace}-risk"
    cluster.namespaces(name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster, namespace: str, other: str) -> Project:
    """A `churn` of each team."""
    made = Project(tmp_path, namespace, cluster.kubeconfig)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "https://example.com/acme/models.git")
    made.declare(config("churn-settings", a="1"), model=GROWTH)
    replace(made, namespace=other).declare(config("churn-settings", a="2"), model=RISK)
    committed(made)
    return made


def committed(project: Project) -> None:
    git(project.root, "add", "--all")
    git(project.root, "commit", "--quiet", "--message=Declare")


def test_each_is_applied_changed_and_removed_where_it_is(
    project: Project, cluster: Cluster, namespace: str, other: str
) -> None:
    done = project.apply()
    assert [(each["model"], each["namespace"]) for each in done.document["models"]] == [
        (GROWTH, namespace),
        (RISK, other),
    ]
    for where in (namespace, other):  # neither is what the other one left behind
        assert f"still runs in the namespace `{where}`" not in done.told
    seen = {where: cluster.objects("configmap", where) for where in (namespace, other)}
    data = {
        where: next(each["data"] for each in found if each["metadata"]["name"] == "churn-settings")
        for where, found in seen.items()
    }
    assert data == {namespace: {"a": "1"}, other: {"a": "2"}}
    replace(project, namespace=other).declare(config("churn-settings", a="3"), model=RISK)
    committed(project)
    assert [each["model"] for each in project.apply("--changed").document["models"]] == [RISK]
    git(project.root, "rm", "-r", "--quiet", "generated/growth")
    replace(project, namespace=namespace).declare(config("more-settings", a="1"), model="growth/more")
    committed(project)
    assert project.apply().actions(GROWTH) == {"ConfigMap churn-settings": "deleted"}
    assert "churn-settings" in names(cluster, "configmaps", other)


def test_its_name_alone_is_enough_where_no_other_has_it(project: Project) -> None:
    done = project.apply("churn")
    assert done.code == ExitCode.USAGE
    assert "name the one you mean: `growth/churn` or `risk/churn`" in done.told
    git(project.root, "rm", "-r", "--quiet", "generated/risk", "releases/dev/risk")
    assert [each["model"] for each in project.apply("churn").document["models"]] == [GROWTH]
    assert [each["model"] for each in project.apply("growth/").document["models"]] == [GROWTH]


def test_a_model_that_moved_to_a_team_keeps_what_it_has(project: Project, namespace: str) -> None:
    project.declare(config("moved-settings", a="1"), model="moved")
    committed(project)
    assert project.apply("moved").code == 0
    git(project.root, "rm", "-r", "--quiet", "generated/moved", "releases/dev/moved")
    project.declare(config("moved-settings", a="1"), model="growth/moved")
    committed(project)
    done = project.apply()
    assert (done.code, done.actions("growth/moved")) == (0, {"ConfigMap moved-settings": "unchanged"})
    assert "git no longer has" not in done.told
    (place,) = [
        each for each in project.run("status").document["environments"] if each["namespace"] == namespace
    ]
    assert {each["model"] for each in place["models"]} == {GROWTH, "growth/moved"}
    assert "gone from git" not in {each["inGit"] for each in place["models"]}


def test_a_model_of_a_team_is_changed_by_the_next_apply(project: Project) -> None:
    project.declare(config("churn-settings", colour="red"), model=GROWTH)
    assert project.apply(GROWTH).code == 0
    project.declare(config("churn-settings", colour="blue"), model=GROWTH)
    again = project.apply(GROWTH)
    assert (again.code, again.actions(GROWTH)) == (0, {"ConfigMap churn-settings": "changed"}), again.told
