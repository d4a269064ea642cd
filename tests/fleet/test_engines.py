"""What is written for Argo CD and Flux: as the goldens have it, and found where something is released.

`REWRITE=1 pytest tests/fleet/test_engines.py` writes the goldens anew; read their diff before you commit it.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from aimass_compiler import conventions, fleet
from aimass_compiler.fleet.part import Fleet
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render import render
from aimass_compiler.render.facts import Resolved
from tests.render.models import VARIED

WANT = Path(__file__).parent / "want"
SETTINGS = Settings.model_validate(
    {
        "engine": "flux",
        "repository": {"url": "ssh://git@github.com/acme/models", "branch": "live", "secret": "models-git"},
        "environments": {
            "dev": {"applied_by": "apply"},
            "staging": {"applied_by": "argocd", "server": "https://10.0.0.1:6443"},
            "prod": {},
        },
    }
)
#: Of no team, and of a team; with a canary, and with kinds that no engine knows.
MODELS = {
    "churn": "plain",
    "growth/churn": "canary-in-prod",
    "growth/scores": "canary",
    "tickets/answers": "language-on-nodes",
}


@cache
def found() -> Fleet:
    records = {path: _record(path, VARIED[name]) for path, name in MODELS.items()}
    return Fleet(Organisation(SETTINGS), records)


def _record(path: str, pipeline: Any) -> bytes:
    """What is known of a model, in the namespaces of its team."""
    record = msgspec.json.decode(render(pipeline)[conventions.RESOLVED_FILE], type=Resolved)
    team = path.rpartition("/")[0]
    environments = {
        name: msgspec.structs.replace(each, namespace=f"{team}-{name}" if team else each.namespace)
        for name, each in record.environments.items()
    }
    return msgspec.json.encode(msgspec.structs.replace(record, environments=environments))


def files(engine: str) -> dict[str, bytes]:
    start = f"fleet/{engine}/"
    return {
        path.removeprefix(start): content
        for path, content in fleet.render(found()).items()
        if path.startswith(start)
    }


def documents(engine: str, path: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in yaml.safe_load_all(files(engine)[path])}


@pytest.mark.parametrize("engine", ["argocd", "flux"])
def test_they_are_as_the_goldens_have_them(engine: str) -> None:
    folder = WANT / engine
    if "REWRITE" in os.environ:
        shutil.rmtree(folder, ignore_errors=True)
        for path, content in files(engine).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    wanted = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yaml")}
    assert files(engine) == wanted


def test_nothing_is_written_where_aimass_applies() -> None:
    settings = Settings.model_validate({"environments": {"dev": {}}})
    assert fleet.render(Fleet(Organisation(settings), {})) == {}


def test_a_team_can_bring_nothing_to_the_namespace_of_another() -> None:
    for name, project in documents("argocd", "projects.yaml").items():
        spec, team = project["spec"], name.removeprefix("aimass").removeprefix("-")
        namespaces = {each["namespace"] for each in spec["destinations"]}
        assert namespaces == {f"{team}-staging" if team else "ml-staging"}
        assert spec["clusterResourceWhitelist"] == []
        assert {"Role", "RoleBinding", "Secret"}.isdisjoint(
            each["kind"] for each in spec["namespaceResourceWhitelist"]
        )


def test_no_pattern_of_argo_cd_finds_what_another_finds() -> None:
    """Its `*` stands for folders, too, unless an option forbids it."""
    (application_set,) = documents("argocd", "staging.yaml").values()
    for generator in application_set["spec"]["generators"]:
        git = generator["git"]
        paths = [each["path"] for each in git["files"] if not each.get("exclude")]
        without = [each["path"] for each in git["files"] if each.get("exclude")]
        taken = {
            path
            for path in MODELS
            if any(_greedy(pattern, path) for pattern in paths)
            and not any(_greedy(pattern, path) for pattern in without)
        }
        team = git["values"]["suffix"].rstrip(".")
        assert taken == {path for path in MODELS if path.rpartition("/")[0] == team}


def _greedy(pattern: str, path: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(f"releases/staging/{path}/kustomization.yaml", pattern)


def test_flux_acts_as_an_account_of_the_namespace_and_reads_its_own_team() -> None:
    team = documents("flux", "prod/teams/growth.yaml")
    source = team.pop("models-growth")
    assert source["spec"]["ignore"].splitlines()[:5] == [
        "/*",
        "!/generated",
        "/generated/*",
        "!/generated/growth",
        "!/releases",
    ]
    assert {each["metadata"]["namespace"] for each in (source, *team.values())} == {"growth-prod"}
    assert {each["spec"]["serviceAccountName"] for each in team.values()} == {"aimass"}
    assert [each["path"] for each in (one["spec"] for one in team.values())] == [
        "./generated/growth/churn/overlays/prod/unreleased",
        "./generated/growth/scores/overlays/prod/unreleased",
    ]
