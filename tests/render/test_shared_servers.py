"""Small models share a server: each keeps its address and its release, and the server names none of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from aimass_compiler import conventions
from aimass_compiler.checks import BASE
from aimass_compiler.compile import compile_spec
from aimass_compiler.fleet.part import Fleet
from aimass_compiler.fleet.servers import PART
from aimass_compiler.fleet.servers.budget import packed
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.team import Team
from aimass_compiler.spec.yaml.reader import parse

SETTINGS = Settings.model_validate({"servers": {"small": {}}})
TEAMS = Organisation(SETTINGS, {"growth": Team.default(), "risk": Team.default()})
SHARED = "serving: {shared: small}\n"


def files(organisation: Organisation, path: str, serving: str = SHARED) -> dict[str, bytes]:
    name = path.rpartition("/")[2]
    spec = BASE.replace("name: churn", f"name: {name}") + serving
    compiled = compile_spec(parse(spec, f"specs/{path}.yaml"), organisation.settings_of(path))
    assert compiled.files, compiled.findings
    return {file.removeprefix(f"{path}/"): content for file, content in compiled.files.items()}


def fleet(organisation: Organisation, *paths: str) -> dict[str, bytes]:
    records = {path: files(organisation, path)["resolved.json"] for path in paths}
    return dict(PART.render(Fleet(organisation, records)))


def objects(content: bytes) -> dict[str, dict[str, Any]]:
    return {each["kind"]: each for each in yaml.safe_load_all(content)}


ALONE = Organisation(SETTINGS)


def test_a_model_that_shares_has_an_address_and_no_pods() -> None:
    found = objects(files(ALONE, "churn")["base/server.yaml"])
    assert sorted(found) == ["ConfigMap", "Service"]
    assert found["Service"]["metadata"]["name"] == "churn"
    assert found["Service"]["spec"]["selector"]["app.kubernetes.io/name"] == "small"
    assert (
        found["ConfigMap"]["data"] | {"model": "churn", "AIMASS_CONCURRENCY": "8"}
        == found["ConfigMap"]["data"]
    )


def test_a_release_reaches_what_the_server_follows() -> None:
    overlay = yaml.safe_load(files(ALONE, "churn")["overlays/prod/kustomization.yaml"])
    (replacement,) = overlay["replacements"]
    assert replacement["targets"] == [
        {"select": {"kind": "ConfigMap", "name": "churn-served"}, "fieldPaths": ["data.image"]}
    ]
    assert overlay["components"] == ["../../../../releases/prod/churn"]


def test_one_environment_alone_may_share() -> None:
    own = files(ALONE, "churn", "environments: {dev: {serving: {shared: small}}}\n")
    assert "Deployment" in objects(own["base/server.yaml"])
    deleted = own["overlays/dev/kustomization.yaml"].decode()
    assert deleted.count("'$patch': delete") >= 4
    assert "PodMonitor" in deleted
    assert "$patch" not in own["overlays/prod/kustomization.yaml"].decode()


def test_a_model_more_changes_nothing_of_the_server() -> None:
    assert fleet(ALONE, "churn") == fleet(ALONE, "churn", "ltv")


def test_teams_never_share() -> None:
    found = fleet(TEAMS, "growth/churn", "risk/fraud")
    prod = sorted(path for path in found if path.startswith("prod/") and path.endswith("server.yaml"))
    assert prod == ["prod/growth/small/server.yaml", "prod/risk/small/server.yaml"]
    namespaces = {
        yaml.safe_load(found[path.replace("server.yaml", "kustomization.yaml")])["namespace"] for path in prod
    }
    assert len(namespaces) == 2


def test_what_callers_reach_holds_no_credentials() -> None:
    pod = objects(fleet(ALONE, "churn")["prod/_/small/server.yaml"])["Deployment"]["spec"]["template"]["spec"]
    (server,), (bringing,) = pod["containers"], pod["initContainers"]
    assert {mount["name"] for mount in server["volumeMounts"]} == {"tmp", "models", "access"}
    assert {mount["name"] for mount in bringing["volumeMounts"]} == {"models", "access", "token", "registry"}
    assert pod["automountServiceAccountToken"] is False
    role = objects(fleet(ALONE, "churn")["prod/_/small/server.yaml"])["Role"]
    assert role["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]


def test_what_shared_servers_export_is_watched() -> None:
    rules = objects(fleet(ALONE, "churn")["prod/_/small/server.yaml"])["PrometheusRule"]
    text = json.dumps(rules)
    assert all(
        metric in text for metric in (conventions.METRIC_MODEL_LOADED, conventions.METRIC_MODEL_MEMORY)
    )
    assert f'{conventions.METRIC_MODEL_LOADED}{{job=\\"small\\",namespace=\\"ml-prod\\"}}' in text


@pytest.mark.parametrize(
    ("sizes", "servers"),
    [
        ({"a": 6.0, "b": 5.0, "c": 4.0, "d": 3.0}, [["a", "c"], ["b", "d"]]),
        ({"a": 1.0}, [["a"]]),
        ({}, []),
    ],
)
def test_the_largest_come_first_and_go_where_they_fit(
    sizes: dict[str, float], servers: list[list[str]]
) -> None:
    assert packed(sizes, 10.0) == servers


GUARDED = """serving:
  shared: small
  access: {keys: churn-callers, callers: {shop: {rate: {requests: 50/s}}}}
"""


def test_callers_of_a_model_are_brought_to_the_servers_that_it_shares() -> None:
    servers = Settings.model_validate({"servers": {"small": {"replicas": {"min": 5, "max": 8}}}})
    organisation = Organisation(servers)
    compiled = files(organisation, "churn", GUARDED)
    found = {each["metadata"]["name"]: each for each in yaml.safe_load_all(compiled["base/server.yaml"])}
    sources = json.loads(found["churn-served"]["data"][conventions.ENTRY_ACCESS])
    assert {each["folder"]: (each["kind"], each["name"]) for each in sources} == {
        "policy": ("configMap", "churn-access"),
        "keys": ("secret", "churn-callers"),
    }
    policy = json.loads(found["churn-access"]["data"]["access.json"])
    assert (policy["replicas"], [*policy["callers"]]) == (5, ["shop"]), "each server has a share"
    records = {
        path: files(organisation, path, serving)["resolved.json"]
        for path, serving in (("churn", GUARDED), ("ltv", SHARED))
    }
    server = dict(PART.render(Fleet(organisation, records)))["prod/_/small/server.yaml"]
    assert objects(server)["Role"]["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["churn-callers"], "verbs": ["get"]},
    ]


POOL = ("small-1", "small-2", "small-3")
ASSIGNED = {"servers": {name: {} for name in POOL}, "sharing": [{"servers": POOL, "teams": ["growth"]}]}


def server_of(path: str, serving: str = "", settings: Any = ASSIGNED) -> dict[str, str]:
    """The server that a model shares in each environment; nothing where it has its own."""
    written = Settings.model_validate(settings)
    organisation = Organisation(written, {"growth": Team.default(), "risk": Team.default()})
    found = json.loads(files(organisation, path, serving)["resolved.json"])["environments"]
    return {name: here.get("shared", {}).get("server", "") for name, here in found.items()}


def test_a_rule_puts_the_small_models_of_a_team_onto_servers() -> None:
    models = [f"growth/m-{number}" for number in range(60)]
    found = {model: server_of(model)["prod"] for model in models}
    assert {*found.values()} == {*POOL}
    shares = [list(found.values()).count(name) for name in POOL]
    assert max(shares) <= 2 * min(shares)
    more = ASSIGNED | {
        "servers": {name: {} for name in (*POOL, "small-4")},
        "sharing": [{"servers": (*POOL, "small-4"), "teams": ["growth"]}],
    }
    moved = {
        model: server for model in models if (server := server_of(model, "", more)["prod"]) != found[model]
    }
    assert {*moved.values()} == {"small-4"}, "a server more takes its part, and moves no other model"
    assert len(moved) < len(models) / 2


@pytest.mark.parametrize(
    ("path", "serving"),
    [
        ("risk/churn", ""),
        ("growth/churn", "serving: {resources: {memory: 64Mi}}\n"),
        ("growth/churn", "serving: {replicas: {min: 3}}\n"),
        ("growth/churn", "serving: {objectives: {latency: {p99: 10ms}}}\n"),
        ("growth/churn", "serving: {rollout: {canary: [100]}, gateway: {host: a.example.com}}\n"),
        ("growth/churn", "serving: {shared: null}\n"),
    ],
)
def test_what_a_rule_is_not_about_has_servers_of_its_own(path: str, serving: str) -> None:
    assert {*server_of(path, serving).values()} == {""}


def test_a_spec_says_more_than_a_rule_and_a_rule_may_be_about_one_environment() -> None:
    assert {*server_of("growth/churn", "serving: {shared: small-2}\n").values()} == {"small-2"}
    dev = ASSIGNED | {"sharing": [{"servers": ["small-1"], "environments": ["dev"]}]}
    assert server_of("risk/churn", "", dev) == {"dev": "small-1", "staging": "", "prod": ""}
