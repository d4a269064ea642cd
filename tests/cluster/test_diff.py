"""What applying would change is told field by field, as a real API server answers, and nothing is changed."""

from __future__ import annotations

from typing import Any

import pytest

from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, Run, config, deployment, service

pytestmark = pytest.mark.cluster
ALL = (config("settings", colour="red"), service("churn"), deployment("churn"))
PASSWORDS = ("hunter2", "correct-horse")


def fields(run: Run) -> dict[str, tuple[Any, Any]]:
    """The two values of each field that would change, by its object and path."""
    return {
        f"{each['kind']} {each['name']}: {field['path']}": (field.get("live"), field.get("wanted"))
        for model in run.document["models"]
        for each in model["objects"]
        for field in each["fields"]
    }


def secret(password: str, part: str = "stringData") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, part: {"password": password}}


def test_what_is_not_there_would_be_created_and_then_nothing_differs(
    project: Project, cluster: Cluster, namespace: str
) -> None:
    project.declare(*ALL)
    before = project.run("diff", "--detailed-exitcode")
    assert (before.code, set(before.actions().values())) == (2, {"created"})
    assert cluster.objects("deployments,services", namespace) == []
    project.apply()
    after = project.run("diff", "--detailed-exitcode")
    assert (after.code, set(after.actions().values())) == (0, {"unchanged"})
    assert project.run("diff", form="people").document["text"].endswith(": 3 as git has them\n")


def test_a_field_is_told_by_its_path_with_both_values(project: Project) -> None:
    project.declare(*ALL)
    project.apply()
    port = {"ports": [{"containerPort": 8080}], "env": [{"name": "LEVEL", "value": "info"}]}
    project.declare(
        config("settings", colour="blue", shape="round"),
        service("churn", 81),
        deployment("churn", tag="2", replicas=3, container=port),
    )
    found = project.run("diff")
    assert found.code == 0
    pod = "Deployment churn: spec.template.spec.containers[server]"
    told = fields(found)
    assert told["ConfigMap settings: data.colour"] == ("red", "blue")
    assert told["ConfigMap settings: data.shape"] == (None, "round")
    assert told["Deployment churn: spec.replicas"] == (1, 3)
    assert told[f"{pod}.image"] == ("registry.example.com/churn:1", "registry.example.com/churn:2")
    assert told[f"{pod}.env"] == (None, [{"name": "LEVEL", "value": "info"}])
    assert {path for path in told if path.startswith("Service")} == {
        "Service churn: spec.ports[port=80,protocol=TCP]",
        "Service churn: spec.ports[port=81,protocol=TCP]",
    }
    assert not any("status" in path or "metadata" in path for path in told)


def test_an_item_of_a_list_is_told_by_what_tells_it_from_the_others(project: Project) -> None:
    levels = [{"name": "LEVEL", "value": "info"}, {"name": "SIZE", "value": "1"}]
    project.declare(deployment("churn", container={"env": levels}))
    project.apply()
    levels = [{"name": "SIZE", "value": "1"}, {"name": "LEVEL", "value": "debug"}]
    project.declare(deployment("churn", container={"env": levels}))
    told = fields(project.run("diff"))
    pod = "Deployment churn: spec.template.spec.containers[server]"
    assert told[f"{pod}.env[LEVEL].value"] == ("info", "debug")
    assert not any("SIZE" in path for path in told)


def test_who_else_manages_a_field_is_told(project: Project, cluster: Cluster, namespace: str) -> None:
    project.declare(*ALL)
    project.apply()
    patch = ("patch", "configmap", "settings", f"--namespace={namespace}", "--field-manager=anna")
    cluster.kubectl(*patch, '--patch={"data": {"colour": "green"}}')
    found = project.run("diff")
    (changed,) = [each for each in found.document["models"][0]["objects"] if each["differs"]]
    (field,) = changed["fields"]
    assert (field["path"], field["live"], field["wanted"]) == ("data.colour", "green", "red")
    assert [(each["name"], each["operation"], each["ours"]) for each in field["managers"]] == [
        ("anna", "Update", False)
    ]
    people = project.run("diff", form="people").document["text"]
    assert "data.colour: green → red  (managed by `anna`, which changed it on 20" in people


def test_what_is_declared_no_longer_would_be_deleted(project: Project) -> None:
    project.declare(*ALL)
    project.apply()
    project.declare(*ALL[1:])
    found = project.run("diff", "--detailed-exitcode")
    assert (found.code, found.actions()["ConfigMap settings"]) == (2, "deleted")


def test_a_config_map_with_another_hash_is_told_by_what_differs(project: Project) -> None:
    project.declare(config("limits-2456789bcd", size="1", colour="red"))
    project.apply()
    project.declare(config("limits-ttttttttm7", size="2", colour="red"))
    found = project.run("diff")
    assert fields(found) == {"ConfigMap limits-ttttttttm7: data.size": ("1", "2")}
    text = project.run("diff", form="people").document["text"]
    assert "+ ConfigMap limits-ttttttttm7, in the place of limits-2456789bcd\n" in text


@pytest.mark.parametrize("form", ["json", "people", "markdown"])
def test_values_of_a_secret_are_never_shown(
    form: str, project: Project, cluster: Cluster, namespace: str
) -> None:
    # `kubectl apply` keeps a copy of everything in an annotation.
    first = secret(PASSWORDS[0]) | {"metadata": {"name": "login", "namespace": namespace}}
    cluster.kubectl("apply", "-f-", given=first)
    project.declare(
        secret(PASSWORDS[1]), deployment("churn", container={"env": [{"name": "A", "value": "b"}]})
    )
    runs = [project.run(*command, form=form) for command in (["diff"], ["apply", "--dry-run"], ["drift"])]
    encoded = [cluster.get("secret", "login", namespace)["data"]["password"], *PASSWORDS]
    for run in runs:
        shown = f"{run.document}{run.told}"
        assert not any(text in shown for text in encoded)
    if form == "json":
        (told,) = [each for each in runs[0].document["models"][0]["objects"] if each["kind"] == "Secret"]
        assert ("data.password", True) in [(field["path"], field["secret"]) for field in told["fields"]]
    if form == "people":
        assert "data.password: (secret) → (secret)" in runs[0].document["text"]


def test_what_the_server_refuses_is_a_failure_beside_what_it_would_take(project: Project) -> None:
    project.declare(ALL[0], service("churn", 99_999))
    found = project.run("diff", "--detailed-exitcode")
    assert found.code == ExitCode.FAILED
    assert project.run("diff").code == ExitCode.REFUSED
    assert "Service churn was refused" in found.told
    assert found.actions() == {"ConfigMap settings": "created"}


def test_a_field_that_the_cluster_does_not_know_is_told_at_once(project: Project) -> None:
    project.declare(deployment("churn", container={"imagee": "x"}))
    found = project.run("diff")
    assert found.code == ExitCode.REFUSED
    field = 'spec.template.spec.containers[name="server"].imagee'
    assert f"Deployment churn was refused: the cluster knows no field `{field}`" in found.told
    assert "waiting" not in found.told


def test_a_dry_run_of_applying_tells_the_same_fields(project: Project) -> None:
    project.declare(*ALL)
    project.apply()
    project.declare(*ALL[:2], deployment("churn", tag="2"))
    assert fields(project.run("apply", "--dry-run")) == fields(project.run("diff"))
    line = "spec.template.spec.containers[server].image: registry.example.com/churn:1 → "
    assert line in project.run("apply", "--dry-run", form="people").document["text"]


def test_misuse_is_no_difference(project: Project) -> None:
    project.declare(*ALL)
    assert project.run("diff", "nobody", "--detailed-exitcode").code == ExitCode.FAILED
    assert project.run("diff", "nobody").code == ExitCode.USAGE
