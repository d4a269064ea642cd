"""DVC shows what the evaluate stage wrote: its metrics as a table and its plots as a page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.pipeline.training import Objective
from aimass_compiler.runtime.stages import evaluate
from evaluate.handmade import CHURN, PRICE, Project

DVC = Path(sys.executable).with_name("dvc")
FOLDER = "artifacts/churn/evaluate"
CONFUSION = {"template": "confusion", "x": "actual", "y": {f"{FOLDER}/confusion.csv": "predicted"}}
CURVES = {
    "classification": {"x": "false_positive_rate", "y": {f"{FOLDER}/curve.csv": "true_positive_rate"}},
    "regression": {"template": "scatter", "x": "predicted", "y": {f"{FOLDER}/curve.csv": "residual"}},
}


def run(root: Path, *command: str) -> str:
    quiet = os.environ | {"DVC_NO_ANALYTICS": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(command, cwd=root, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.pipeline
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("task", [CHURN, PRICE], ids=lambda task: task.kind)
def test_dvc_shows_metrics_and_plots(tmp_path: Path, task: Any) -> None:
    project = Project(tmp_path, task, weight=1.0).make()
    objective = Objective(metric="accuracy" if task is CHURN else "r2")
    slices = project.evaluation(slices=("plan",))
    evaluate.run(task, project.columns, slices, objective, workspace=project.workspace)
    plots = [{"confusion": CONFUSION}, {"curve": CURVES[task.kind]}]
    (tmp_path / "dvc.yaml").write_text(json.dumps({"metrics": [f"{FOLDER}/metrics.json"], "plots": plots}))
    run(tmp_path, "git", "init", "-q")
    run(tmp_path, str(DVC), "init", "-q")
    shown = json.loads(run(tmp_path, str(DVC), "metrics", "show", "--json"))
    ((_, found),) = shown[""]["data"].items()
    assert found["data"]["test"] == project.read("evaluate", "metrics.json")["test"]
    assert found["data"]["slices"]["plan"]["basic"]["rows"] > 0
    table = run(tmp_path, str(DVC), "metrics", "show", "--md")
    assert f"test.{objective.metric}" in table
    run(tmp_path, str(DVC), "plots", "show", "-o", "page")
    page = (tmp_path / "page" / "index.html").read_text()
    assert page.count("vegaEmbed(") == 2, "a header alone is drawn as an empty plot"
