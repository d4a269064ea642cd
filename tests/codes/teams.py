"""What the examples about teams tell, brought about: files of an organisation, and specs of its teams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from aimass_compiler.checks import BASE, LANGUAGE
from aimass_compiler.compile import compile_spec
from aimass_compiler.diagnostics import Finding
from aimass_compiler.fleet.part import Fleet
from aimass_compiler.fleet.teams import PART
from aimass_compiler.generate.code_owners_file import CodeOwnersFile
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.project import Project
from aimass_compiler.spec.decode.organisation_files import read_organisation
from aimass_compiler.spec.yaml.reader import parse

Situation = Callable[[Path, pytest.MonkeyPatch], list[Finding]]
PRICES = "prices: {cpu_hour: 0.04, gib_hour: 0.005, gpu_hour: 2.5}\n"
GROWTH = "teams/growth.yaml"
SPEC = "specs/growth/churn.yaml"
DIGEST = "sha256:" + "0" * 64


def organisation(root: Path, files: Mapping[str, str]) -> tuple[Organisation, list[Finding]]:
    """What these files describe, and what is wrong with them."""
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    found, _, findings = read_organisation(Project(root))
    return found, findings


def reading(**files: str) -> Situation:
    """The files of an organisation are read, each by its path with `__` for `/`."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        patched.setattr(Project, "specs", lambda project: sorted(project.specs_folder.rglob("*.yaml")))
        named = {name.replace("__", "/") + ".yaml": text for name, text in files.items()}
        return organisation(root, named)[1]

    return situation


def file_in_teams(name: str) -> Situation:
    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        return organisation(root, {f"teams/{name}": ""})[1]

    return situation


def of_team(spec: str, teams: Mapping[str, str]) -> Situation:
    """A spec of the team `growth` is compiled beside these teams."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        known, wrong = organisation(root, {f"teams/{name}.yaml": text for name, text in teams.items()})
        return [*wrong, *compile_spec(parse(spec, SPEC), known.settings_of("growth/churn")).findings]

    return situation


def based_on(image: str) -> str:
    data = yaml.safe_load(LANGUAGE)
    base = data["model"]["language_model"]["base"]
    data["model"]["language_model"]["base"] = {"oci": image, "architecture": base["architecture"]}
    return yaml.safe_dump(data)


def asking(team: str, spec: str = BASE) -> Situation:
    """What the models of the team `growth` ask for is held against what its file says."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        known, wrong = organisation(root, {"aimass.yaml": PRICES, GROWTH: team})
        files = compile_spec(parse(spec, SPEC), known.settings_of("growth/churn")).files
        fleet = Fleet(known, {"growth/churn": files["growth/churn/resolved.json"]})
        return [*wrong, *PART.findings(fleet)]

    return situation


def owning(place: str) -> Situation:
    """Somebody has a CODEOWNERS already."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        known, wrong = organisation(root, {GROWTH: "github: {members: [acme/growth]}", place: "* @all\n"})
        return [*wrong, *CodeOwnersFile(root, known).findings]

    return situation


def host(name: str) -> str:
    return f"{BASE}serving: {{gateway: {{host: '{name}'}}}}\nwaivers: [{{code: AM415, reason: one host}}]\n"


RULE = "servers: {small: {}}\nsharing: [{servers: [small], teams: [growth]}]\n"
RISK = {"growth": "", "risk": "hosts: ['*.risk.example.com']"}
REGISTRY = {"growth": "registries: [registry.example.com/growth]"}
SITUATIONS: dict[str, tuple[Situation, Situation]] = {
    "AM313": (file_in_teams("Growth.yml"), file_in_teams("growth.yaml")),
    "AM314": (
        reading(specs__grwoth__churn=BASE, teams__growth=""),
        reading(specs__growth__churn=BASE, teams__growth=""),
    ),
    "AM315": (
        of_team(host("churn.risk.example.com"), RISK),
        of_team(host("churn.growth.example.com"), RISK),
    ),
    "AM316": (
        of_team(based_on(f"docker.io/someone/base@{DIGEST}"), REGISTRY),
        of_team(based_on(f"registry.example.com/growth/base@{DIGEST}"), REGISTRY),
    ),
    "AM317": (
        reading(aimass="environments: {prod: {}, eu-prod: {}}", teams__ml="", **{"teams__ml-eu": ""}),
        reading(aimass="environments: {prod: {}, eu-prod: {}}", teams__ml="", teams__europe=""),
    ),
    "AM318": (asking("budget: {money: 10}"), asking("budget: {money: 10000}")),
    "AM319": (asking("quota: {cpu: 500m}"), asking("quota: {cpu: 200}")),
    "AM528": (
        asking("queue: {cluster_queue: research, quota: {cpu: 500m}}"),
        asking("queue: {cluster_queue: research, quota: {cpu: 200}}"),
    ),
    "AM320": (owning("CODEOWNERS"), owning(".github/CODEOWNERS")),
    "AM321": (
        reading(teams__growth="environments: {production: {quota: {pods: 50}}}"),
        reading(teams__growth="environments: {prod: {quota: {pods: 50}}}"),
    ),
    "AM585": (
        reading(teams__growth="", aimass=RULE.replace("growth", "grwoth")),
        reading(teams__growth="", aimass=RULE),
    ),
    "AM322": (
        reading(teams__growth="budget: {money: 5000}"),
        reading(teams__growth="budget: {money: 5000}", aimass=PRICES),
    ),
}
