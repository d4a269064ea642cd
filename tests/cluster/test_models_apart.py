"""Each model goes on by itself: one that failed stops no other; what did not change is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, Run, config, declare, git, names, service

pytestmark = pytest.mark.cluster
PLACES = ("dev", "staging")


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster, namespace: str) -> Project:
    """Two models in git."""
    made = Project(tmp_path, namespace, cluster.kubeconfig)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "https://example.com/acme/models.git")
    for model in ("churn", "other"):
        declare(made, config(f"{model}-settings", a="1"), model=model)
    return made


def applied(run: Run) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["model"], each["environment"]): each for each in run.document["models"]}


def seized(cluster: Cluster, namespace: str, name: str) -> None:
    """Let another manager own what a model declares."""
    made = config(name, a="mine")
    made["metadata"]["namespace"] = namespace
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f-", given=made)


def test_one_that_failed_goes_no_further_and_all_others_do(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    for model in ("churn", "other"):
        project.declare(config(f"{model}-staging", a="1"), model=model, environment="staging")
    seized(cluster, namespace, "churn-settings")
    done = project.apply(environments=PLACES)
    assert done.code == ExitCode.CONFLICT
    found = applied(done)
    codes = {where: each["exitCode"] for where, each in found.items()}
    assert codes == {
        ("churn", "dev"): ExitCode.CONFLICT,
        ("other", "dev"): 0,
        ("churn", "staging"): 0,
        ("other", "staging"): 0,
    }
    assert found["churn", "staging"]["skipped"] == "it failed in dev"
    assert "churn in staging: not touched, because it failed in dev" in done.told
    there = names(cluster, "configmaps", namespace)
    assert {"other-settings", "other-staging"} <= there
    assert "churn-staging" not in there


def test_a_model_that_is_gone_is_removed_though_another_one_failed(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    assert project.apply().code == 0
    git(project.root, "rm", "-r", "--quiet", "generated/other")
    project.declare(config("churn-settings", a="2"))
    seized(cluster, namespace, "churn-settings")
    done = project.apply()
    assert done.code == ExitCode.CONFLICT
    assert done.actions("other") == {"ConfigMap other-settings": "deleted"}


def test_a_model_stays_while_the_one_that_may_take_its_place_never_served(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    assert project.apply().code == 0
    git(project.root, "rm", "-r", "--quiet", "generated/other")
    project.declare(config("renamed-settings", a="1"), model="renamed")
    seized(cluster, namespace, "renamed-settings")
    done = project.apply()
    assert "dev: git no longer has `other`; left, as `renamed` never served yet" in done.told
    assert "other-settings" in names(cluster, "configmaps", namespace)


def test_what_git_did_not_change_since_is_left_alone(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    assert set(applied(project.apply("--changed"))) == {("churn", "dev"), ("other", "dev")}
    nothing = project.apply("--changed")
    assert (nothing.code, applied(nothing)) == (0, {})
    assert "dev: 2 models left alone, as git changed nothing of them" in nothing.told
    declare(project, config("churn-settings", a="2"))
    changed = project.apply("--changed")
    assert set(applied(changed)) == {("churn", "dev")}
    assert "dev: 1 model left alone" in changed.told
    # All the same, what is gone from git is removed, and the whole sweep looks at everything.
    git(project.root, "rm", "-r", "--quiet", "generated/other")
    assert project.apply("--changed").actions("other") == {"ConfigMap other-settings": "deleted"}
    assert set(applied(project.apply())) == {("churn", "dev")}


def test_what_was_not_finished_or_comes_from_an_unknown_commit_is_applied(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    declare(project, config("churn-settings", a="1"), service("churn"))
    assert project.apply().code == 0
    # A change that fails halfway, and is taken back in git.
    hold = ("patch", "service", "churn", f"--namespace={namespace}", "--type=merge", "-p")
    cluster.kubectl(*hold, '{"metadata":{"finalizers":["example.com/slow"]}}')
    declare(project, config("churn-settings", a="2"))
    assert project.run("apply", "--timeout=1s").code == ExitCode.NOT_READY
    git(project.root, "revert", "--no-edit", "HEAD")
    cluster.kubectl(*hold, '{"metadata":{"finalizers":null}}')
    assert set(applied(project.run("apply", "--changed", "--timeout=30s"))) == {("churn", "dev")}
    git(project.root, "commit", "--quiet", "--amend", "--allow-empty", "--message=Rewritten")
    git(project.root, "reflog", "expire", "--expire=now", "--all")
    git(project.root, "gc", "--quiet", "--prune=now")
    assert set(applied(project.apply("--changed"))) == {("churn", "dev")}
