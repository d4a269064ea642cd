"""`aimass policies`, the page about them, and what follows from a policy in generated/ and CODEOWNERS."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cli.projects import Project
from scripts.site.policy_table import policy_table

PAGE = Path(__file__).parents[2] / "docs/policies.md"
SERVERS = """
why: a zone fails
where: {environments: [prod]}
approvers: [acme/platform]
rule: {servers: {min: 3}}
"""
WAIVED = 'waivers: [{model: churn, reason: it is new, until: "2020-01-31"}]\n'


@pytest.fixture
def governed(project: Project) -> Project:
    """A project with a policy that its model does not keep."""
    write(project, "three-servers", SERVERS)
    return project


def write(project: Project, name: str, text: str) -> None:
    path = project.root / "policies" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_page_lists_every_rule() -> None:
    shown = re.search(
        r"<!-- rules: begin -->\n(.*?)<!-- rules: end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert shown
    assert shown[1] == policy_table()


def test_the_policies_of_the_page_are_policies(project: Project) -> None:
    for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        name = re.match(r"# policies/([a-z/-]+)\.yaml\n", text)
        assert name
        write(project, name[1], text.replace("growth/churn", "churn"))
    done = project.aimass("compile")
    assert (done.code, done.err) == (0, "")


def test_a_policy_stops_the_compiler_until_it_is_kept_or_waived(governed: Project) -> None:
    stopped = governed.aimass("compile")
    assert stopped.code == 1
    assert "2 servers always run, where 3 are wanted; policy `three-servers`: a zone fails" in stopped.err
    assert "AM184" in governed.aimass("plan").err
    write(governed, "waivers/three-servers", WAIVED)
    assert governed.aimass("compile").code == 0


def test_a_waiver_that_has_ended_is_an_error_of_check_and_nothing_else(governed: Project) -> None:
    write(governed, "waivers/three-servers", WAIVED)
    assert governed.aimass("compile").code == 0
    checked = governed.aimass("check")
    assert checked.code == 1
    assert "the waiver of `churn` from `three-servers` ended on 2020-01-31" in checked.err + checked.out
    assert governed.aimass("compile", "--check").code == 0


def test_what_is_rendered_lets_waived_models_be_and_goes_with_the_policy(governed: Project) -> None:
    write(governed, "waivers/three-servers", WAIVED)
    assert governed.aimass("compile").code == 0
    folder = governed.root / "generated/fleet/policies"
    assert yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"] == ["three-servers.yaml"]
    objects = list(yaml.safe_load_all((folder / "three-servers.yaml").read_text()))
    rules = [each for each in objects if each["kind"] == "ValidatingAdmissionPolicy"]
    assert {"'ml-prod/churn'" in each["spec"]["matchConditions"][0]["expression"] for each in rules} == {True}
    selectors = [each["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"] for each in rules]
    assert {namespace for (one,) in selectors for namespace in one["values"]} == {"ml-prod"}
    owners = (governed.root / ".github/CODEOWNERS").read_text()
    assert "/policies/waivers/three-servers.yaml @acme/platform" in owners
    (governed.root / "policies/waivers/three-servers.yaml").unlink()
    (governed.root / "policies/three-servers.yaml").unlink()
    assert governed.aimass("compile").code == 0
    assert not folder.exists()


def test_what_kserve_makes_of_a_waived_model_is_let_be_too(governed: Project) -> None:
    write(governed, "waivers/three-servers", WAIVED)
    governed.edit("serving:\n", "serving:\n  target: kserve\n")
    assert governed.aimass("compile").code == 0
    text = (governed.root / "generated/fleet/policies/three-servers.yaml").read_text(encoding="utf-8")
    assert "'ml-prod/churn-predictor'" in text


def test_the_policies_of_a_model_are_listed_with_how_it_stands_to_them(governed: Project) -> None:
    told = governed.aimass("policies", "churn")
    assert told.code == 0
    assert "three-servers (error): a zone fails\n" in told.out
    assert "\n  prod        2 servers always run, where 3 are wanted\n" in told.out
    write(governed, "waivers/three-servers", WAIVED)
    assert "\n  prod        waived until 2020-01-31\n" in governed.aimass("policies", "churn").out
    assert "\n  waived      churn until 2020-01-31: it is new\n" in governed.aimass("policies").out
