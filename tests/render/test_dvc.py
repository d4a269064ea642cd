"""DVC runs a stage every time where it cannot see what the stage reads, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from aimass_compiler.render import render
from render.files import read
from render.models import pipeline

LOCAL = {"sources": {"customers": "data/customers.csv", "usage": "data/2026/*.csv"}}
LAST_SEASON = {"gates": [{"metric": "mean_absolute_error", "beats": "seasonal_naive"}]}
BEATS = {"gates": [{"metric": "roc_auc", "min": 0.8}, {"metric": "roc_auc", "beats": "released"}]}


def stages(changes: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = read(render(pipeline(changes)), "dvc.yaml")["stages"]
    return found


@pytest.mark.parametrize(
    ("changes", "always"),
    [
        ({}, {"prepare"}),
        ({"evaluation": BEATS}, {"prepare", "evaluate"}),
        ({"data": {"sources": {"customers": "data/customers.csv"}}}, set()),
        ({"data": {"sources": {"customers": "data/customers.csv"}}, "evaluation": BEATS}, {"evaluate"}),
        ({"data": {"sources": {"customers": "data/customers.csv"}}, "evaluation": LAST_SEASON}, set()),
    ],
    ids=[
        "rows elsewhere",
        "rows elsewhere and a release",
        "rows here",
        "rows here and a release",
        "rows here and last season's values",
    ],
)
def test_what_dvc_cannot_watch_is_read_every_time(changes: dict[str, Any], always: set[str]) -> None:
    assert {name for name, stage in stages(changes).items() if "always_changed" in stage} == always


def test_a_pattern_is_watched_by_its_folder() -> None:
    assert stages({"data": LOCAL})["prepare"]["deps"] == ["data/2026", "data/customers.csv"]


def test_code_of_the_project_is_watched_by_the_stage_that_runs_it() -> None:
    ratio = {"path": "transforms/ratio.py:Ratio", "columns": "tenure", "outputs": {"ratio": "number"}}
    model = {"path": "models/spline.py:Spline", "files": ["models/knots.json"]}
    found = stages({"features": [{"custom": ratio}, {"drop": "plan"}], "model": {"custom": model}})
    code = {"transforms/ratio.py", "models/spline.py", "models/knots.json"}
    watched = {name: code.intersection(stage.get("deps", ())) for name, stage in found.items()}
    assert {name: paths for name, paths in watched.items() if paths} == {
        "features": {"transforms/ratio.py"},
        "train": {"models/knots.json", "models/spline.py"},
    }
