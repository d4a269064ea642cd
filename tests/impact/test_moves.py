"""A plan says of a model that shares servers by a rule from which to which it moves."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from aimass_compiler.cli.views.plan_document import as_json
from impact.specs import SETTINGS, SETTINGS_FILE, SPEC, SPEC_FILE, compiled, edited, meaning

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/plan.json").read_text(encoding="utf-8"))
SMALL = edited(
    SPEC,
    ("  replicas: {min: 2, max: 10}\n  resources: {cpu: 500m, memory: 512Mi}\n", ""),
    (
        "environments:\n"
        "  dev: {serving: {replicas: {min: 1, max: 1}}}\n"
        "  prod: {serving: {replicas: {min: 3, max: 20}}}\n",
        "",
    ),
)


def settings(*servers: str) -> str:
    described = ", ".join(f"{name}: {{}}" for name in servers)
    return f"{SETTINGS}servers: {{{described}}}\nsharing: [{{servers: [{', '.join(servers)}]}}]\n"


def moved(root: Path, before: str, after: str) -> list[str]:
    _, generated = compiled(root, {SPEC_FILE: SMALL, SETTINGS_FILE: before})
    found = meaning(root, generated, {SETTINGS_FILE: after})
    document = json.loads(as_json(found))
    jsonschema.validate(document, SCHEMA)
    return [each["server"] for each in document["models"][0]["applying"]]


def test_a_plan_says_from_which_server_to_which(tmp_path: Path) -> None:
    assert (
        moved(tmp_path, SETTINGS, settings("one"))
        == ["the model moves from its own servers to the shared server `one`"] * 3
    )
    assert (
        moved(tmp_path, settings("one"), settings("two"))
        == ["the model moves from the shared server `one` to the shared server `two`"] * 3
    )
