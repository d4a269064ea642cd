"""What a team's file says holds for the models of the team alone, and is found wrong where it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.checks import BASE
from aimass_compiler.compile import compile_spec
from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline.team import Team
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.yaml.reader import parse
from tests.codes.teams import organisation

REFUSED: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    ({"github": {"members": []}}, ("github", "members"), "`members` must have at least 1 item, not 0"),
    ({"github": {"members": ["a b"]}}, ("github", "members", 0), "`a b` is no name of GitHub"),
    ({"hosts": ["https://a.b"]}, ("hosts", 0), "`https://a.b` is no host; write it like"),
    ({"registries": ["oci://a"]}, ("registries", 0), "`oci://a` is no registry with its path"),
    ({"quota": {"cpu": "2TB"}}, ("quota", "cpu"), "is not a number of cores"),
    ({"quota": {"gpu": 2}}, ("quota", "gpu"), "there is no key `gpu` in `quota`"),
    ({"alerts": [{"severity": "page"}]}, ("alerts", 0), "must be exactly one of `slack`, `pagerduty`"),
    ({"alerts": [{"slack": {"secret": "S"}}]}, ("alerts", 0, "slack", "secret"), "is no name of an object"),
    ({"alerts": [{"email": {"to": "{{ a }}@b.c"}}]}, ("alerts", 0, "email", "to"), "is no mailbox"),
    ({"queue": {"cluster_queue": "A"}}, ("queue", "cluster_queue"), "`A` is no name of a queue"),
    (
        {"environments": {"prod": {"namespace": "A"}}},
        ("environments", "prod", "namespace"),
        "is no name of a",
    ),
    (
        {"environments": {"prod": {"budget": {}}}},
        ("environments", "prod", "budget"),
        "there is no key `budget`",
    ),
]


@pytest.mark.parametrize(("team", "path", "told"), REFUSED)
def test_what_is_wrong_is_found_once_at_its_place(
    team: dict[str, Any], path: tuple[str | int, ...], told: str
) -> None:
    (found,) = decode(Team, team, "teams/growth.yaml")[1]
    assert found.path == path
    assert told in found.message


def test_an_environment_replaces_single_keys() -> None:
    team = Team.model_validate(
        {
            "quota": {"cpu": 8, "pods": 20},
            "oncall": {"group": "growth"},
            "environments": {"dev": {"quota": {"cpu": 2}}},
        }
    )
    assert team.place("dev").quota == Team.model_validate({"quota": {"cpu": 2}}).quota
    assert team.place("prod").quota == team.quota
    assert team.place("dev").oncall == team.oncall


def found_in(root: Path, files: dict[str, str], spec: str, path: str) -> list[Finding]:
    known, wrong = organisation(root, files)
    assert wrong == []
    return list(compile_spec(parse(spec, f"specs/{path}.yaml"), known.settings_of(path)).findings)


def test_the_waivers_of_a_team_hide_nothing_of_another(tmp_path: Path) -> None:
    waived = "waivers: [{code: AM310, reason: it may be down}]"
    spec = f"{BASE}environments: {{prod: {{serving: {{replicas: {{min: 1}}}}}}}}\n"
    files = {"teams/growth.yaml": waived, "teams/risk.yaml": ""}
    assert found_in(tmp_path, files, spec, "growth/churn") == []
    for other in ("risk/churn", "churn"):
        assert [found.code for found in found_in(tmp_path, files, spec, other)] == ["AM310"]


def test_settings_of_a_team_are_its_own_and_those_of_others_stay(tmp_path: Path) -> None:
    files = {
        "aimass.yaml": "queue: common\nenvironments: {dev: {deployer: {user: ci}}, prod: {namespace: ml}}\n",
        "teams/growth.yaml": "queue: {cluster_queue: q}\nenvironments: {prod: {deployer: {user: cd}}}\n",
        "teams/risk.yaml": "environments: {prod: {namespace: risk}}\n",
    }
    known, _ = organisation(tmp_path, files)
    every = [known.settings_of(path) for path in ("growth/churn", "risk/churn", "churn")]
    assert [each.namespace_of("prod") for each in every] == ["ml-growth-prod", "risk", "ml"]
    assert [each.namespace_of("dev") for each in every] == ["ml-growth-dev", "ml-risk-dev", "ml-dev"]
    assert [each.queue for each in every] == ["growth", "common", "common"]
    deployers = [each.environments["prod"].deployer for each in every]
    assert [each and getattr(each, "user", None) for each in deployers] == ["cd", None, None]
    assert every[0].environments["dev"].deployer == every[2].environments["dev"].deployer


@pytest.mark.parametrize(
    ("team", "place", "code"),
    [
        ("deployer: {group: 'system:authenticated'}", ("deployer", "group"), "AM416"),
        (
            "environments: {prod: {oncall: {user: 'system:anonymous'}}}",
            ("environments", "prod", "oncall", "user"),
            "AM416",
        ),
    ],
)
def test_a_setting_of_a_team_is_found_wrong_in_its_file(
    team: str, place: tuple[str, ...], code: str, tmp_path: Path
) -> None:
    found = found_in(tmp_path, {"teams/growth.yaml": team}, BASE, "growth/churn")
    assert {(each.code, each.file, each.path) for each in found} == {(code, "teams/growth.yaml", place)}


def test_a_pattern_that_gives_too_long_names_is_found_wrong_where_it_stands(tmp_path: Path) -> None:
    pattern = f"teams: {{namespace: '{'x' * 50}-{{team}}-{{environment}}'}}"
    files = {"aimass.yaml": pattern, "teams/growth.yaml": ""}
    found = found_in(tmp_path, files, BASE, "growth/churn")
    assert {(each.code, each.file, each.path) for each in found} == {
        ("AM414", "aimass.yaml", ("teams", "namespace"))
    }


def test_the_example_of_the_documentation_is_a_team() -> None:
    page = (Path(__file__).parents[2] / "docs/teams.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    team, found = decode(Team, parse(example, "teams/growth.yaml")[0].data, "teams/growth.yaml")
    assert found == []
    assert team is not None
    assert team.place("dev").trainer is not None


@pytest.mark.parametrize(
    ("growth", "risk", "path"),
    [
        ("hosts: ['*.a.com']", "hosts: [x.b.com, '*.a.com']", ("hosts", 1)),
        ("hosts: ['*.a.com']", "hosts: ['*.eu.a.com']", ("hosts", 0)),
        (
            "hosts: [eu.a.com]",
            "environments: {prod: {hosts: ['*.a.com']}}",
            ("environments", "prod", "hosts", 0),
        ),
    ],
)
def test_two_teams_cannot_have_the_same_hosts(
    tmp_path: Path, growth: str, risk: str, path: tuple[str | int, ...]
) -> None:
    found = organisation(tmp_path, {"teams/growth.yaml": growth, "teams/risk.yaml": risk})[1]
    assert [(each.code, each.file, each.path) for each in found] == [("AM315", "teams/risk.yaml", path)]


def test_hosts_that_are_apart_or_in_other_environments_are_left_alone(tmp_path: Path) -> None:
    growth = "hosts: ['*.a.com', '*.eu.a.com']\nenvironments: {dev: {hosts: ['*.dev.com']}}"
    risk = "hosts: [a.com, '*.ba.com']\nenvironments: {dev: {hosts: ['*.a.com']}}"
    assert organisation(tmp_path, {"teams/growth.yaml": growth, "teams/risk.yaml": risk})[1] == []
