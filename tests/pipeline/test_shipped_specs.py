"""Each spec of this repository becomes a model that serves, from data that was just prepared."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.projects import STAGES, Done, Project

pytestmark = pytest.mark.pipeline

REPOSITORY = Path(__file__).parents[2]
SPECS = sorted((REPOSITORY / "specs").glob("*.yaml"), key=lambda path: path.stem)
#: A search over joined tables, and a network that reads pictures.
BY_DAY = ("churn", "digits")
#: What the test stage exits with; on a machine that is busy with other things, latency may be why.
SERVICE = 13


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(path, id=path.stem, marks=() if path.stem in BY_DAY else pytest.mark.nightly)
        for path in SPECS
    ],
)
def test_a_shipped_spec_becomes_a_model(tmp_path: Path, spec: Path) -> None:
    project = shipped(tmp_path, spec)
    done = run(project, spec.stem)
    assert done.code == 0, done.told
    assert done.is_clear
    report = json.loads(project.read(f"artifacts/{spec.stem}/test/report.json"))
    assert report["passed"] is True
    assert report["correctness"]["rows"] > 0
    assert report["correctness"]["wrong_rows"] == 0
    assert report["correctness"]["largest_difference"] <= 1e-5
    asked = project.aimass("predict", spec.stem, "--example")
    assert asked.code == 0, asked.told
    (prediction,) = asked.out.splitlines()
    assert json.loads(prediction)
    if spec.stem == "churn":  # tests/evaluate/test_dvc.py shows every kind
        assert_shown_by_dvc(project, spec.stem)


def shipped(root: Path, spec: Path) -> Project:
    """A project with one of our specs and the data that it reads, written by the script that ships."""
    project = Project(root)
    project.write(f"specs/{spec.name}", spec.read_text(encoding="utf-8"))
    script = REPOSITORY / "data" / "prepare.py"
    # Twins that another framework trains read what the first one reads.
    name = spec.stem.removesuffix("-mxnet").removesuffix("-tensorflow").replace("-", "_")
    subprocess.run([sys.executable, script, "--folder", root / "data", name], check=True, capture_output=True)
    return project


def run(project: Project, model: str) -> Done:
    """Run all; where only the service was found slow, once more, as the message proposes."""
    done = project.aimass("run", model)
    if done.code != SERVICE:
        assert done.stages == list(STAGES), done.told
        return done
    return project.aimass("run", model)


def assert_shown_by_dvc(project: Project, model: str) -> None:
    shown = project.command("dvc", "metrics", "show", "--json")
    assert shown.code == 0, shown.told
    found = json.loads(shown.out)[""]["data"]
    measured = f"artifacts/{model}/evaluate/metrics.json"
    assert found[measured]["data"]["test"] == json.loads(project.read(measured))["test"]
    plots = yaml.safe_load(project.read(f"generated/{model}/dvc.yaml"))["plots"]
    drawn = project.command("dvc", "plots", "show", "--out", "page")
    assert drawn.code == 0, drawn.told
    assert project.read("page/index.html").count("vegaEmbed(") == len(plots)
    shutil.rmtree(project.root / "page")
