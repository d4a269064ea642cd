"""Who may apply a model is told for each environment, and the text is the same as if nothing were shared."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.deployer import Deployer
from aimass_compiler.render import access, render
from render.models import VARIED, pipeline


def documents(built: Pipeline, kind: str) -> list[dict[str, Any]]:
    found = yaml.safe_load_all(render(built)[access.ACCESS_FILE])
    return [document for document in found if document["kind"] == kind]


def deployed_by(**deployer: Any) -> dict[str, str]:
    settings = {"environments": {"live": {"namespace": "models", "deployer": deployer or None}}}
    (binding,) = documents(pipeline(settings=settings), "RoleBinding")
    (subject,) = binding["subjects"]
    return dict(subject)


def test_each_environment_has_a_role_in_its_namespace_and_its_binding() -> None:
    roles, bindings = documents(VARIED["plain"], "Role"), documents(VARIED["plain"], "RoleBinding")
    places = [(role["metadata"]["namespace"], role["metadata"]["name"]) for role in roles]
    assert places == [(f"ml-{name}", f"aimass-churn-{name}") for name in ("dev", "staging", "prod")]
    assert [binding["metadata"] for binding in bindings] == [role["metadata"] for role in roles]
    assert [binding["roleRef"]["name"] for binding in bindings] == [name for _, name in places]


def test_one_environments_access_is_found_by_its_label() -> None:
    for role in documents(VARIED["plain"], "Role"):
        environment = role["metadata"]["name"].removeprefix("aimass-churn-")
        assert role["metadata"]["labels"][conventions.LABEL_ENVIRONMENT] == environment
        assert role["metadata"]["labels"][conventions.LABEL_MODEL] == "churn"


def test_a_service_account_in_the_namespace_applies_unless_another_is_named() -> None:
    usual = {"kind": "ServiceAccount", "name": "aimass", "namespace": "models"}
    assert deployed_by() == usual
    assert deployed_by(service_account={}) == usual
    assert deployed_by(service_account={"name": "runner", "namespace": "ci"}) == {
        "kind": "ServiceAccount",
        "name": "runner",
        "namespace": "ci",
    }


@pytest.mark.parametrize("name", ["github:repo:acme/models:environment:prod", "on", "a'b\n"])
def test_a_user_and_a_group_are_named_as_the_server_knows_them(name: str) -> None:
    group = "rbac.authorization.k8s.io"
    assert deployed_by(user=name) == {"apiGroup": group, "kind": "User", "name": name}
    assert deployed_by(group=name) == {"apiGroup": group, "kind": "Group", "name": name}


def test_all_who_are_named_may_apply_and_nobody_else() -> None:
    named = [{"user": "ci"}, {"service_account": {"name": "drift"}}, {"group": "admins"}]
    settings = {"environments": {"live": {"namespace": "models", "deployer": named}}}
    (binding,) = documents(pipeline(settings=settings), "RoleBinding")
    assert [subject["name"] for subject in binding["subjects"]] == ["ci", "drift", "admins"]
    assert binding["subjects"] == [deployed_by(**each) for each in named]


def test_a_list_of_one_is_the_one() -> None:
    one, alone = (
        render(pipeline(settings={"environments": {"live": {"deployer": deployer}}}))
        for deployer in ({"user": "ci"}, [{"user": "ci"}])
    )
    assert one == alone


@pytest.mark.parametrize("deployer", [{}, {"user": "a", "group": "b"}, {"user": ""}])
def test_a_deployer_is_exactly_one(deployer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Deployer.model_validate(deployer)


@pytest.mark.parametrize("name", VARIED)
def test_what_is_cut_from_a_cached_template_is_what_the_builder_builds(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = render(VARIED[name])[access.ACCESS_FILE]
    monkeypatch.setattr(access, "_ACCESS", lambda words, *rest: access._built(*words, *rest))
    assert render(VARIED[name])[access.ACCESS_FILE] == cut


def test_no_rule_reaches_secrets_rights_or_everything() -> None:
    for built in VARIED.values():
        for rule in (rule for role in documents(built, "Role") for rule in role["rules"]):
            assert not {"secrets", "roles", "rolebindings", "pods/exec", "*"} & set(rule["resources"])
            assert "*" not in [*rule["verbs"], *rule["apiGroups"]]


#: Of which a controller makes Deployments.
KSERVE = {"inferenceservices", "llminferenceservices"}


def test_only_what_is_posted_and_what_tells_reasons_is_not_limited_to_names() -> None:
    for built in VARIED.values():
        for role in documents(built, "Role"):
            is_made = any(KSERVE & {*rule["resources"]} for rule in role["rules"])
            free = [rule for rule in role["rules"] if "resourceNames" not in rule]
            assert [(rule["resources"], rule["verbs"]) for rule in free] == [
                (["configmaps"], ["create", "list"]),
                (["leases"], ["create"]),
                (["events", "pods"], ["list"]),
                (["deployments", "replicasets"] if is_made else ["replicasets"], ["list"]),
            ]
