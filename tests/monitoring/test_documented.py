"""The page on monitoring tells every alert, metric, annotation and panel that there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

from render.files import one
from render.models import pipeline

from aimass_compiler import conventions, drift_methods
from aimass_compiler.render import render

PAGE = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")
FILES = render(pipeline())
RULES = [
    rule
    for group in one(FILES, "overlays/prod", "PrometheusRule")["spec"]["groups"]
    for rule in group["rules"]
    if "alert" in rule
]


def test_every_alert_has_a_section_and_a_row() -> None:
    names = {rule["alert"] for rule in RULES}
    assert set(re.findall(r"^### (Model\w+)$", PAGE, re.MULTILINE)) == names
    for name in names:
        assert f"[{name}](#{name.lower()})" in PAGE


def test_how_long_an_alert_is_held_back_is_told() -> None:
    rows = re.findall(
        r"^\| (?:\[(\w+)\]\S+)? ?\| (page|ticket|page, ticket) \| .* \| (\d+) min \|$", PAGE, re.MULTILINE
    )
    told, name = set(), ""
    for named, severities, minutes in rows:
        name = named or name
        told |= {(name, severity, f"{minutes}m") for severity in severities.split(", ")}
    assert told == {(rule["alert"], rule["labels"]["severity"], rule["for"]) for rule in RULES}


def test_every_label_and_annotation_of_an_alert_is_told() -> None:
    for rule in RULES:
        for key in (*rule["labels"], *rule["annotations"]):
            assert f"`{key}`" in PAGE, key


def test_every_metric_has_a_row() -> None:
    metrics = {
        f"aimass_{value.removeprefix('aimass_')}"
        for name, value in vars(conventions).items()
        if name.startswith("METRIC_")
    } | {method.series for method in drift_methods.methods()}
    assert set(re.findall(r"^\| `(aimass_\w+)` \|", PAGE, re.MULTILINE)) == metrics


def test_there_are_as_many_panels_as_are_told() -> None:
    assert len(json.loads(FILES["base/dashboard.json"])["panels"]) == 15
    assert "Fifteen panels" in PAGE
