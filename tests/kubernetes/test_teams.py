"""What is made for a team is taken by an API server; its Roles allow what any model brings, and no bound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import Objects, violations
from render.models import HOSTILE, VARIED

from aimass_compiler.fleet.part import Fleet
from aimass_compiler.fleet.teams import PART
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.team import Team
from aimass_compiler.programs.kustomize import Kustomize
from aimass_compiler.render.object_kind import resource_of

pytestmark = pytest.mark.kubernetes
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a PyYAML without libyaml has no fast one
EVERYTHING = {
    "quota": {"cpu": 2000, "memory": "400Gi", "gpus": 8, "pods": 300, "storage": "2Ti"},
    "defaults": {"cpu": "200m", "memory": "512Mi"},
    "queue": {"cluster_queue": "research"},
    "deployer": [{"user": "ci-growth"}, {"service_account": {"name": "runner", "namespace": "ci"}}],
    "oncall": {"group": "growth-oncall"},
    "trainer": {"group": "growth"},
    "hosts": ["churn.example.com", "*.growth.example.com"],
    "alerts": [
        {"pagerduty": {"secret": "growth-pagerduty"}, "severity": "page"},
        {"slack": {"secret": "growth-slack", "channel": "#growth"}},
        {"webhook": {"secret": "hook"}},
        {"email": {"to": "a@b.c", "sender": "d@e.f", "smarthost": "smtp.example.com:587", "secret": "mail"}},
    ],
}
SETTINGS = Settings.model_validate(
    {
        "environments": {
            "dev": {},
            "prod": {
                "accelerator": {"name": "nvidia-l4", "memory": "24Gi", "device_class": "gpu.nvidia.com"}
            },
        },
        "labels": {"company": "acme"},
    }
)
#: What a team must not be able to change, though it is in its namespace.
BOUNDS = {
    "alertmanagerconfigs",
    "limitranges",
    "localqueues",
    "namespaces",
    "resourcequotas",
    "rolebindings",
    "roles",
    "secrets",
}


def made(**team: Any) -> dict[str, bytes]:
    organisation = Organisation(SETTINGS, {"growth": Team.model_validate(team)})
    return dict(PART.render(Fleet(organisation, {})))


def built(root: Path, files: dict[str, bytes], builder: Kustomize, environment: str) -> list[dict[str, Any]]:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return list(yaml.load_all(builder.text(root / "growth" / environment), Loader=_Loader))


def roles(environment: str) -> dict[str, list[dict[str, Any]]]:
    text = made(**EVERYTHING)[f"growth/{environment}/access.yaml"]
    documents = [each for each in yaml.load_all(text, Loader=_Loader) if each["kind"] == "Role"]
    return {each["metadata"]["name"]: each["rules"] for each in documents}


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("team", [EVERYTHING, {}], ids=["everything", "nothing"])
def test_an_api_server_takes_all_of_it(
    team: dict[str, Any], environment: str, tmp_path: Path, builder: Kustomize
) -> None:
    found = built(tmp_path, made(**team), builder, environment)
    namespaced = [each for each in found if each["metadata"].get("namespace")]
    assert {each["metadata"]["namespace"] for each in namespaced} == {f"ml-growth-{environment}"}
    assert [problem for each in found for problem in violations(each)] == []
    kinds = {each["kind"] for each in found}
    assert ("ResourceQuota" in kinds, "LocalQueue" in kinds) == (
        bool(team),
        bool(team) and environment == "dev",
    )
    assert {"Namespace", "LimitRange", "NetworkPolicy", "Role", "RoleBinding"} <= kinds


@pytest.mark.parametrize("text", HOSTILE)
def test_a_description_is_data_and_nothing_else(text: str, tmp_path: Path, builder: Kustomize) -> None:
    found = built(tmp_path, made(description=text), builder, "dev")
    (namespace,) = [each for each in found if each["kind"] == "Namespace"]
    told = namespace["metadata"].get("annotations", {}).get("kubernetes.io/description", "")
    assert told == "".join(filter(str.isprintable, " ".join(text.split())))
    plain = built(tmp_path, made(description="x"), builder, "dev")
    assert [each["kind"] for each in found] == [each["kind"] for each in plain]


@pytest.mark.parametrize("name", VARIED)
def test_the_deployer_may_keep_what_any_model_brings(name: str, objects: Objects) -> None:
    rules = roles("dev")["aimass-deployer"]
    allowed = {
        (group, resource)
        for rule in rules
        if {"get", "create", "patch", "delete"} <= set(rule["verbs"])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    brought = {
        (
            each["apiVersion"].rpartition("/")[0] if "/" in each["apiVersion"] else "",
            resource_of(each["kind"]),
        )
        for environment in VARIED[name].environments
        for each in objects(name, f"overlays/{environment}")
    }
    assert brought <= allowed


def test_no_role_reaches_what_bounds_the_namespace() -> None:
    found = roles("dev")
    assert set(found) == {"aimass-deployer", "aimass-oncall", "aimass-trainer"}
    assert set(roles("prod")) == {"aimass-deployer", "aimass-oncall"}
    reached = {resource for rules in found.values() for rule in rules for resource in rule["resources"]}
    assert not reached & BOUNDS
    assert "*" not in reached


def test_a_quota_counts_the_devices_of_the_environment() -> None:
    def hard(environment: str) -> dict[str, str]:
        text = made(**EVERYTHING)[f"growth/{environment}/namespace.yaml"]
        (quota,) = [each for each in yaml.load_all(text, Loader=_Loader) if each["kind"] == "ResourceQuota"]
        return dict(quota["spec"]["hard"])

    claims = {"gpu.nvidia.com.deviceclass.resource.k8s.io/devices": "8"}
    assert hard("prod") == hard("dev") | claims
    assert hard("dev") == {
        "requests.cpu": "2000",
        "requests.memory": "400Gi",
        "pods": "300",
        "requests.storage": "2Ti",
        "requests.nvidia.com/gpu": "8",
    }
