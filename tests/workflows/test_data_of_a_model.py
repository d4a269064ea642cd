"""The step of training that gets data brings that of the model that is trained, and of no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.workflows.projects import compiled

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not on the PATH"),
]
TRAIN = "workflows/aimass-train.yml"
STEP = "Get the data of this model"
#: Runs commands of DVC one after another.
DVC = "import json, sys; from dvc.cli import main; sys.exit(any(map(main, json.loads(sys.argv[1]))))"


def run(folder: Path, *command: str | Path, **variables: str) -> None:
    """Run a program in a folder, with this Python's DVC on the PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    plain = {"PATH": path, "GIT_CONFIG_GLOBAL": os.devnull, "DVC_NO_ANALYTICS": "1", "PYTHONWARNINGS": ""}
    subprocess.run(command, cwd=folder, env=os.environ | plain | variables, check=True)


def stage(model: str, name: str, given: str) -> dict[str, object]:
    """A stage that copies a file."""
    made = f"artifacts/{model}/{name}"
    return {"cmd": f"cp {given} {made}", "wdir": "../..", "deps": [given], "outs": [made]}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone of a project with two models, one of which was run; all is kept by DVC's remote."""
    root = tmp_path / "models"
    for model in ("churn", "fraud"):
        for folder in (f"generated/{model}", f"artifacts/{model}", "data"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / f"data/{model}.csv").write_text(f"rows of {model}\n")
        stages = {
            "prepare": stage(model, "rows", f"data/{model}.csv"),
            "train": stage(model, "model", f"artifacts/{model}/rows"),
        }
        (root / f"generated/{model}/dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    run(root, "git", "init", "--quiet")
    commands = [
        ["init", "--quiet"],
        ["remote", "add", "--quiet", "--default", "store", str(tmp_path / "store")],
        ["add", "--quiet", "data/churn.csv", "data/fraud.csv"],
        ["repro", "--quiet", "generated/fraud/dvc.yaml"],
        ["push", "--quiet"],
    ]
    run(root, sys.executable, "-c", DVC, json.dumps(commands))
    run(root, "git", "add", "--all")
    somebody = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
    run(root, "git", *somebody, "commit", "--quiet", "--message=Begin")
    run(tmp_path, "git", "clone", "--quiet", root, "clone")
    return tmp_path / "clone"


def files(clone: Path) -> set[str]:
    """What lies in the clone, but for what git and DVC keep."""
    found = (path.relative_to(clone) for path in clone.rglob("*") if path.is_file())
    kept = (".git", ".dvc", ".gitignore")
    return {path.as_posix() for path in found if path.parts[0] not in kept and path.name not in kept}


def test_only_the_data_of_the_model_is_brought(clone: Path) -> None:
    workflow = yaml.safe_load(compiled("least")[TRAIN])
    (step,) = (each for each in workflow["jobs"]["train-1"]["steps"] if each["name"] == STEP)
    begun = files(clone)
    run(clone, "bash", "-e", "-c", step["run"], MODEL="churn")
    assert files(clone) - begun == {"data/churn.csv"}
    run(clone, "bash", "-e", "-c", step["run"], MODEL="fraud")
    left = {"artifacts/fraud/model", "artifacts/fraud/rows"}
    assert files(clone) - begun == {"data/churn.csv", "data/fraud.csv", *left}
