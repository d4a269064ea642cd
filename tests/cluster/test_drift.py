"""Where a cluster differs from git is told with whose doing it is, from a real API server's records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.drift import Cause
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, Run, config, declare, deployment, git, service

pytestmark = pytest.mark.cluster
ALL = (config("settings", colour="red"), service("churn"), deployment("churn"))
DIFFERS = 2


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster, namespace: str) -> Project:
    """A project in git whose overlay is applied."""
    made = Project(tmp_path, namespace, cluster.kubeconfig)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", f"https://git.example.com/{namespace}.git")
    declare(made, *ALL)
    assert made.apply().code == 0
    return made


def objects(run: Run) -> dict[str, dict[str, Any]]:
    """What differs, by kind and name."""
    return {f"{each['kind']} {each['name']}": each for each in run.document["models"][0]["objects"]}


def fields(run: Run, name: str) -> dict[str, tuple[str, list[str]]]:
    """The cause of each field of an object, and who else manages it, by its path."""
    return {
        each["path"]: (
            each["cause"],
            [manager["name"] for manager in each["managers"] if not manager["ours"]],
        )
        for each in objects(run)[name]["fields"]
    }


def text(project: Project, *arguments: str) -> str:
    return str(project.run("drift", *arguments, form="people").document["text"])


def test_what_was_applied_is_no_drift(project: Project) -> None:
    found = project.run("drift")
    assert (found.code, objects(found)) == (0, {})
    assert text(project).endswith(": as git has it\n")


def test_a_change_by_hand_is_told_with_who_made_it_and_when(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    change = ("set", "image", "deployment/churn", "server=evil:1", f"--namespace={namespace}")
    cluster.kubectl(*change, "--field-manager=mallory")
    found = project.run("drift")
    assert found.code == DIFFERS
    path = "spec.template.spec.containers[server].image"
    assert fields(found, "Deployment churn") == {path: (Cause.CHANGED, ["mallory"])}
    (field,) = objects(found)["Deployment churn"]["fields"]
    assert (field["live"], field["wanted"]) == ("evil:1", "registry.example.com/churn:1")
    assert field["managers"][0]["time"].startswith("20")
    assert "is evil:1, in git registry.example.com/churn:1; `mallory`, which changed it on 20" in text(
        project
    )
    assert "1 object changed by hand" in text(project)


def test_a_scaled_deployment_is_told_with_the_subresource(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    cluster.kubectl("scale", "deployment/churn", "--replicas=4", f"--namespace={namespace}")
    assert "is 4, in git 1; `kubectl`, which changed it through `scale`" in text(project)


def test_what_nobody_declares_is_no_drift(project: Project, cluster: Cluster, namespace: str) -> None:
    scaled = deployment("churn")
    del scaled["spec"]["replicas"]
    declare(project, *ALL[:2], scaled)
    assert project.apply().code == 0
    cluster.kubectl("scale", "deployment/churn", "--replicas=4", f"--namespace={namespace}")
    cluster.kubectl("rollout", "restart", "deployment/churn", f"--namespace={namespace}")
    found = project.run("drift", "--additions")
    assert (found.code, objects(found), found.document["models"][0]["added"]) == (0, {}, [])


def test_what_others_added_is_told_when_asked_for_and_is_no_drift(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    cluster.kubectl(
        "annotate", "deployment/churn", "a.b/c=d", f"--namespace={namespace}", "--field-manager=anna"
    )
    sidecar = {"name": "spy", "image": "spy:1"} | {
        key: ALL[2]["spec"]["template"]["spec"]["containers"][0][key] for key in ("securityContext",)
    }
    patch = json.dumps({"spec": {"template": {"spec": {"containers": [sidecar]}}}})
    where = ("patch", "deployment/churn", f"--namespace={namespace}", "--field-manager=mallory")
    cluster.kubectl(*where, f"--patch={patch}")
    assert project.run("drift").code == 0
    assert "others added 2 fields beside what git has: --additions shows them" in text(project)
    told = text(project, "--additions")
    assert "metadata.annotations[a.b/c]  (by `anna`, which changed it on 20" in told
    assert "spec.template.spec.containers[spy]  (by `mallory`, which changed it on 20" in told


def test_what_git_has_since_is_not_applied_yet(project: Project) -> None:
    declare(project, *ALL[:1], service("churn", 81), deployment("churn", tag="2"), config("more", a="b"))
    found = project.run("drift")
    assert found.code == DIFFERS
    assert {each["cause"] for each in objects(found).values()} == {Cause.NOT_APPLIED}
    assert set(objects(found)) == {"Service churn", "Deployment churn", "ConfigMap more"}
    assert found.document["models"][0]["commitsSince"] == 1
    told = text(project)
    assert "3 objects not applied yet" in told
    assert ", 1 commit before the one that is checked out\n" in told
    assert "+ ConfigMap more: not applied yet\n" in told


def test_both_causes_are_told_apart_in_one_object(project: Project, cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("scale", "deployment/churn", "--replicas=4", f"--namespace={namespace}")
    declare(project, *ALL[:2], deployment("churn", tag="2"))
    told = fields(project.run("drift"), "Deployment churn")
    assert told == {
        "spec.replicas": (Cause.CHANGED, ["kubectl"]),
        "spec.template.spec.containers[server].image": (Cause.NOT_APPLIED, []),
    }


def test_what_git_gave_up_is_not_applied_yet(project: Project) -> None:
    declare(project, *ALL[1:])
    found = project.run("drift")
    assert (found.code, objects(found)["ConfigMap settings"]["cause"]) == (DIFFERS, Cause.NOT_APPLIED)
    assert "- ConfigMap settings: git no longer has it, and that is not applied yet" in text(project)


def test_what_was_deleted_by_hand_is_told(project: Project, cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("delete", "service", "churn", f"--namespace={namespace}")
    found = project.run("drift")
    assert (found.code, objects(found)["Service churn"]["cause"]) == (DIFFERS, Cause.CHANGED)
    assert "! Service churn: deleted by hand\n" in text(project)


def test_what_was_taken_away_by_hand_is_told(project: Project, cluster: Cluster, namespace: str) -> None:
    patch = json.dumps([{"op": "remove", "path": "/data/colour"}])
    cluster.kubectl("patch", "configmap", "settings", "--type=json", f"--patch={patch}", f"-n{namespace}")
    assert fields(project.run("drift"), "ConfigMap settings") == {"data": (Cause.CHANGED, [])}
    assert "is nothing, in git {" in text(project)


def test_a_label_of_ours_that_was_taken_away_is_told_and_applied_again(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    cluster.kubectl("label", "service", "churn", "aimass.dev/environment-", f"--namespace={namespace}")
    assert "is nothing, in git dev; removed by another manager" in text(project)
    assert project.apply().code == 0
    assert project.run("drift").code == 0


@pytest.mark.parametrize("command", ["diff", "drift", "status"])
def test_markdown_stands_in_a_block_that_nothing_in_it_can_end(
    command: str, project: Project, cluster: Cluster, namespace: str
) -> None:
    patch = json.dumps({"data": {"colour": "```\n# loud\n<b>"}})
    where = ("patch", "configmap", "settings", f"--namespace={namespace}", "--field-manager=```")
    cluster.kubectl(*where, f"--patch={patch}")
    lines = project.run(command, form="markdown").document["text"].splitlines()
    assert [line for line in lines if line.startswith("#")] in ([], ["### churn in dev"])
    assert len([line for line in lines if line.startswith("```")]) == 2


def test_a_change_by_hand_that_was_taken_back_is_no_drift(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    for count in (4, 1):
        cluster.kubectl("scale", "deployment/churn", f"--replicas={count}", f"--namespace={namespace}")
    assert project.run("drift").code == 0


def test_a_model_that_was_never_applied_differs(project: Project) -> None:
    declare(project, config("other", a="b"), model="other")
    assert project.run("drift", "churn").code == 0
    assert project.run("drift", "other").code == DIFFERS
    assert ": never applied\n" in text(project, "other")


def test_a_model_that_git_no_longer_has_differs(project: Project) -> None:
    declare(project, config("other", a="b"), model="other")
    git(project.root, "rm", "-r", "--quiet", "generated/churn")
    git(project.root, "commit", "--quiet", "--message=Remove")
    found = project.run("drift")
    assert found.code == DIFFERS
    (gone,) = [each for each in found.document["models"] if each["model"] == "churn"]
    assert {each["cause"] for each in gone["objects"]} == {Cause.NOT_APPLIED}
    assert "  git no longer has it\n" in text(project)


def test_what_cannot_be_told_has_another_exit_code_than_drift(project: Project, tmp_path: Path) -> None:
    assert project.run("drift", "nobody").code == ExitCode.FAILED
    lost = Project(project.root, project.namespace, tmp_path / "no-such-file")
    assert lost.run("drift").code == ExitCode.FAILED
