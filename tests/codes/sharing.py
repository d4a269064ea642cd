"""What the examples about shared servers tell, brought about: specs of models that share a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aimass_compiler.checks import BASE
from aimass_compiler.compile import compile_spec
from aimass_compiler.diagnostics import Finding
from aimass_compiler.fleet.part import Fleet
from aimass_compiler.fleet.servers import PART
from aimass_compiler.project import Project
from aimass_compiler.spec.decode.organisation_files import read_organisation
from aimass_compiler.spec.yaml.reader import parse

Situation = Callable[[Path, pytest.MonkeyPatch], list[Finding]]


def sharing(
    *servings: str, servers: str = "small: {}", names: tuple[str, ...] = ("churn", "ltv")
) -> Situation:
    """Models with what stands below their `serving`, and the servers of aimass.yaml."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        (root / "aimass.yaml").write_text(f"servers: {{{servers}}}\n")
        known, _, findings = read_organisation(Project(root))
        records = {}
        for name, serving in zip(names, servings, strict=False):
            spec = BASE.replace("name: churn", f"name: {name}") + f"serving: {{{serving}}}\n"
            compiled = compile_spec(parse(spec, f"specs/{name}.yaml"), known.settings_of(name))
            findings += compiled.findings
            if compiled.files:
                records[name] = compiled.files[f"{name}/resolved.json"]
        found = [*findings, *PART.findings(Fleet(known, records))]
        return [each for each in found if each.code != "AM415"]  # one host for all environments

    return situation


SMALL = "shared: small"
#: Two of these are more than 256Mi have room for.
LARGE = f"{SMALL}, resources: {{memory: 80Mi}}"


def through(gateway: str) -> str:
    return f"{SMALL}, gateway: {{host: {gateway}.example.com, namespace: {gateway}}}"


SITUATIONS: dict[str, tuple[Situation, Situation]] = {
    "AM480": (sharing(f"{SMALL}, rollout: {{canary: [100]}}"), sharing(SMALL)),
    "AM481": (sharing("shared: smal"), sharing(SMALL)),
    "AM482": (
        sharing(f"{SMALL}, replicas: {{min: 3}}"),
        sharing(SMALL, servers="small: {replicas: {min: 3}}"),
    ),
    "AM483": (
        sharing(f"{SMALL}, objectives: {{latency: {{p99: 10ms}}}}"),
        sharing(f"{SMALL}, objectives: {{latency: {{p99: 50ms}}}}"),
    ),
    "AM484": (
        sharing(LARGE, LARGE, servers="small: {resources: {memory: 256Mi}}"),
        sharing(LARGE, LARGE, servers="small: {resources: {memory: 512Mi}}"),
    ),
    "AM485": (sharing(through("edge"), through("inner")), sharing(through("edge"), SMALL)),
    "AM486": (
        sharing("shared: churn", "shared: churn", servers="churn: {}"),
        sharing(SMALL, SMALL),
    ),
    "AM560": (sharing(f"{SMALL}, grpc: true"), sharing("grpc: true")),
}
