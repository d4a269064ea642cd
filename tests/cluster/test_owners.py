"""Two repositories that have a model of one name: the second takes nothing over unless it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, config, declare, deployment, git, names, service
from tests.cluster.test_apply import inventory

pytestmark = pytest.mark.cluster
OURS, THEIRS = "git.example.com/growth/models", "git.example.com/risk/models"


def cloned(root: Path, namespace: str, cluster: Cluster, address: str) -> Project:
    """A checkout of the repository with this address; of none where it has no address."""
    root.mkdir()
    git(root, "init", "--quiet")
    if address:
        git(root, "remote", "add", "origin", f"https://{address}.git")
    return Project(root, namespace, cluster.kubeconfig)


@pytest.fixture
def ours(tmp_path: Path, cluster: Cluster, namespace: str) -> Project:
    """A project whose model is applied."""
    made = cloned(tmp_path / "ours", namespace, cluster, OURS)
    declare(made, config("settings", colour="red"), service("churn"), deployment("churn"))
    assert made.apply().code == 0
    return made


@pytest.mark.parametrize("address", [THEIRS, f"{OURS}-fork", ""])
def test_a_model_of_another_repository_is_left_alone(
    ours: Project, tmp_path: Path, cluster: Cluster, namespace: str, address: str
) -> None:
    theirs = cloned(tmp_path / "theirs", namespace, cluster, address)
    declare(theirs, service("churn", port=81))
    before = cluster.get("service", "churn", namespace)
    for command in (["apply", "--no-wait"], ["apply", "--dry-run"], ["diff"], ["drift"], ["delete", "--yes"]):
        word, *options = command
        done = theirs.run(word, "churn", *options)
        assert done.code == ExitCode.CONFLICT, command
        assert f"`churn` in dev was applied from the repository `{OURS}`" in done.told
        assert (address or "no remote `origin`") in done.told
        assert "--adopt" in done.told
    assert cluster.get("service", "churn", namespace) == before
    assert names(cluster, "configmaps", namespace) == {"settings", "aimass-churn-dev"}
    assert ours.apply().code == 0


def test_a_model_is_taken_over_by_who_says_so(
    ours: Project, tmp_path: Path, cluster: Cluster, namespace: str
) -> None:
    theirs = cloned(tmp_path / "theirs", namespace, cluster, THEIRS)
    declare(theirs, service("churn", port=81))
    would = theirs.apply("--adopt", "--dry-run")
    assert (would.code, would.actions()["Deployment churn"]) == (0, "deleted")
    done = theirs.apply("--adopt")
    assert (done.code, done.actions()["Deployment churn"]) == (0, "deleted")
    assert inventory(cluster, namespace)["source"] == THEIRS
    assert theirs.apply().code == 0
    refused = ours.apply()
    assert (refused.code, THEIRS in refused.told) == (ExitCode.CONFLICT, True)
    assert ours.run("delete", "churn", "--yes", "--adopt").code == 0
    assert names(cluster, "services", namespace) == set()


def test_what_failed_halfway_is_owned_as_well(tmp_path: Path, cluster: Cluster, namespace: str) -> None:
    ours = cloned(tmp_path / "ours", namespace, cluster, OURS)
    declare(ours, deployment("churn", container={"securityContext": {}}))
    assert ours.run("apply", "--timeout=1s").code == ExitCode.NOT_READY
    theirs = cloned(tmp_path / "theirs", namespace, cluster, THEIRS)
    declare(theirs, deployment("churn"))
    assert theirs.apply().code == ExitCode.CONFLICT


def test_what_no_repository_applied_is_everybodys(tmp_path: Path, cluster: Cluster, namespace: str) -> None:
    nobodys = cloned(tmp_path / "nobodys", namespace, cluster, "")
    declare(nobodys, service("churn"))
    assert nobodys.apply().code == 0
    ours = cloned(tmp_path / "ours", namespace, cluster, OURS)
    declare(ours, service("churn"))
    assert ours.apply().code == 0
    assert inventory(cluster, namespace)["source"] == OURS
