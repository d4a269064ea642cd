"""What the examples about policies tell, brought about."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from aimass_compiler.checks import BASE
from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.diagnostics import Finding
from aimass_compiler.project import Project
from aimass_compiler.spec.decode.organisation_files import read_organisation
from aimass_compiler.spec.decode.policy_files import ended

Situation = Callable[[Path, pytest.MonkeyPatch], list[Finding]]
PRODUCTION = "serving: {replicas: {min: 3, max: 5}}\n"
SERVERS = "why: zones fail\nwhere: {environments: [prod]}\napprovers: [acme/platform]\nrule: servers\n"
WAIVERS = 'waivers: [{model: churn, reason: it is new, until: "2027-03-31"}]\n'
OF_GROWTH = WAIVERS.replace("churn", "growth/churn")
GROWTH = "github: {members: [acme/growth]}\n"


def compiling(spec: str = "", **files: str) -> Situation:
    """The spec of examples with a change, beside these files, each by its path with `__` for `/`."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        del patched
        named = {name.replace("__", "/") + ".yaml": text for name, text in files.items()}
        for name, text in ({"specs/churn.yaml": BASE + spec} | named).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        project = Project(root)
        return list(compile_specs(project, project.specs(), upto=Upto.CHECK).findings)

    return situation


def servers(text: str = SERVERS, waivers: str = "") -> dict[str, str]:
    """The policy `three-servers`, and who need not keep it."""
    own = {"policies__three-servers": text}
    return own | ({"policies__waivers__three-servers": waivers} if waivers else {})


def of_two_teams(approver: str) -> Situation:
    """A model of the team `growth` is waived, as this team of GitHub approves."""
    waived = compiling(
        PRODUCTION, teams__growth=GROWTH, **servers(SERVERS.replace("platform", approver), OF_GROWTH)
    )

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        patched.setattr(Project, "models", lambda _: {"churn", "growth/churn"})
        return waived(root, patched)

    return situation


def on(day: str) -> Situation:
    """The waiver is looked at on a day."""
    compiled = compiling(**servers(waivers=WAIVERS))

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        assert compiled(root, patched) == []
        policies = read_organisation(Project(root))[0].policies
        return list(ended(policies, datetime.date.fromisoformat(day)))

    return situation


def expression(claim: str) -> dict[str, str]:
    return {"policies__own": f"why: it is ours\nrule:\n  expression: '{claim}'\n"}


SITUATIONS: dict[str, tuple[Situation, Situation]] = {
    "AM180": (
        compiling(PRODUCTION, policies__Three_Servers=SERVERS),
        compiling(PRODUCTION, **servers()),
    ),
    "AM181": (
        compiling(PRODUCTION, **servers(SERVERS.replace("[prod]", "[production]"))),
        compiling(PRODUCTION, **servers()),
    ),
    "AM182": (
        compiling(**servers(SERVERS.replace("approvers: [acme/platform]\n", ""), WAIVERS)),
        compiling(**servers(waivers=WAIVERS)),
    ),
    "AM183": (of_two_teams("growth"), of_two_teams("platform")),
    "AM187": (on("2027-04-01"), on("2027-03-31")),
    "AM184": (compiling(**servers()), compiling(PRODUCTION, **servers())),
    "AM185": (
        compiling(**expression("here.serving.nodes <= 2")),
        compiling(**expression("!has(here.serving.nodes) || here.serving.nodes <= 2")),
    ),
    "AM186": (
        compiling(PRODUCTION, **servers(waivers=WAIVERS)),
        compiling(PRODUCTION, **servers()),
    ),
}
