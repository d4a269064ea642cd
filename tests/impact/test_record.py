"""The record of a model lists the objects that kustomize builds, and one differs where what is built does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from impact.specs import BEFORE, SETTINGS, SETTINGS_FILE, SPEC, SPEC_FILE, compiled, edited
from tests.harness.releases import released

KUBECTL = Path(sys.executable).with_name("kubectl")
pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.slow,
    pytest.mark.skipif(not KUBECTL.exists(), reason="kubectl is not installed"),
]
VARIED = {
    SPEC_FILE: edited(
        SPEC,
        ("dev: {serving: {replicas: {min: 1, max: 1}}}", "dev: {serving: {limits: {timeout: 1s}}}"),
        (
            "{min: 3, max: 20}}}",
            "{min: 3, max: 20}, rollout: {canary: [50, 100]}, gateway: {host: a.b.com}}}",
        ),
    ),
    SETTINGS_FILE: f"labels: {{team: growth}}\nimages: {{registry: 'ghcr.io/acme'}}\n{SETTINGS}",
}
#: What is edited of the varied project: each changes some objects and leaves others.
EDITS = {
    "replicas": (SPEC_FILE, "{min: 2, max: 10}", "{min: 2, max: 12}"),
    "timeout of one environment": (SPEC_FILE, "timeout: 1s", "timeout: 3s"),
    "drift": (SPEC_FILE, "environments:", "monitoring: {drift: {page: 0.3}}\nenvironments:"),
    "labels": (SETTINGS_FILE, "team: growth", "team: retention"),
    "prometheus": (SETTINGS_FILE, "images:", "prometheus: {namespace: obs}\nimages:"),
}

_Key = tuple[str, str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[_Key, tuple[Any, str]]]:
    return objects(tmp_path_factory.mktemp("before"), VARIED)


@pytest.mark.parametrize("name", EDITS)
def test_an_object_differs_where_what_kustomize_builds_does(
    name: str, built: dict[str, dict[_Key, tuple[Any, str]]], tmp_path: Path
) -> None:
    file, old, new = EDITS[name]
    after = objects(tmp_path, {**VARIED, file: edited(VARIED[file], (old, new))})
    compared = 0
    for environment, before in built.items():
        for key in before.keys() & after[environment].keys():
            was, now = before[key], after[environment][key]
            assert (was[0] == now[0]) == (was[1] == now[1]), (environment, key)
            compared += was[0] != now[0]
    assert compared


def test_another_model_changes_no_object(
    built: dict[str, dict[_Key, tuple[Any, str]]], tmp_path: Path
) -> None:
    trained = {**VARIED, SPEC_FILE: edited(VARIED[SPEC_FILE], ("count: 8", "count: 12"))}
    assert objects(tmp_path, trained) == built


def test_projects_of_all_kinds_are_recorded_whole(tmp_path: Path) -> None:
    for name, found in objects(tmp_path, BEFORE).items():
        assert len(found) > len(("Deployment", "Service", "ServiceAccount")), name


def objects(root: Path, texts: Mapping[str, str]) -> dict[str, dict[_Key, tuple[Any, str]]]:
    """By environment each object that kustomize builds, with its content in the record."""
    _, files = compiled(root, texts)
    own = {path.removeprefix("churn/"): content for path, content in files.items()}
    folder = released(root, "churn", own)
    found = {}
    for name, environment in json.loads(files["churn/resolved.json"])["environments"].items():
        contents = {(each["kind"], each["name"]): each["content"] for each in environment["objects"]}
        own = kustomized(folder / "overlays" / name)
        assert own.keys() == contents.keys()
        found[name] = {key: (document, contents[key]) for key, document in own.items()}
    return found


def kustomized(folder: Path) -> dict[_Key, Any]:
    text = subprocess.run(
        [KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, check=True
    ).stdout
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}
