"""The steps of a Kubeflow pipeline: each in an empty folder, from the store and what earlier steps left."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.render.kubeflow_pipeline.pod_config import SECRETS_FOLDER
from aimass_compiler.render.training.cluster import WORKSPACE
from tests.cluster.test_training_there import CODE, project

SETTINGS = """
pipeline: {{target: kubeflow}}
environments: {{dev: {{store: "file://{store}", secrets: [object-store]}}}}
"""
_INPUT = re.compile(r"\{\{\$\.inputs\.parameters\['(.*?)'\]\}\}")


@dataclass
class Run:
    """What Kubeflow's launcher does: it fills in parameters and starts each step by itself."""

    folder: Path
    specification: dict[str, Any]
    left: dict[str, str] = field(default_factory=dict)

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a step; what it left is known afterwards."""
        task = self.specification["root"]["dag"]["tasks"][name]
        component = self.specification["components"][task["componentRef"]["name"]]
        executors = self.specification["deploymentSpec"]["executors"]
        container = executors[component["executorLabel"]]["container"]
        given = {key: self._value(each) for key, each in task["inputs"]["parameters"].items()}
        out = self.folder / name / "out" / "left"
        places = {
            "{{$.outputs.parameters['left'].output_file}}": str(out),
            SECRETS_FOLDER: str(self.folder / "secrets"),
            WORKSPACE: str(self.folder / name / "workspace"),
        }
        command = [sys.executable, *container["command"][1:]]
        for argument in container["args"]:
            filled = _INPUT.sub(lambda found: given[found[1]], argument)
            for old, new in places.items():
                filled = filled.replace(old, new)
            command.append(filled)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            self.left[name] = out.read_text(encoding="utf-8")
        return done

    def _value(self, given: dict[str, Any]) -> str:
        if "runtimeValue" in given:
            return str(given["runtimeValue"]["constant"])
        return self.left[given["taskOutputParameter"]["producerTask"]]


def aimass(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CODE, *arguments, f"--root={root}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return project(tmp_path / "models", "cells", SETTINGS.format(store=tmp_path / "store"))


def started(root: Path, folder: Path) -> Run:
    """A run of what is generated now."""
    text = (root / "generated/cells/pipeline/pipeline.yaml").read_text(encoding="utf-8")
    return Run(folder, next(yaml.safe_load_all(text)))


def test_a_step_refuses_what_is_not_its_recipe(root: Path, tmp_path: Path) -> None:
    run = started(root, tmp_path / "run")
    done = run.step("prepare")
    assert done.returncode == ExitCode.DATA, done.stderr
    assert aimass(root, "train", "cells", "--upload").returncode == 0
    assert run.step("prepare").returncode == 0
    first = run.left["prepare"]
    spec = root / "specs/cells.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("standardize", "impute"), encoding="utf-8")
    assert aimass(root, "compile").returncode == 0
    run = started(root, tmp_path / "again")
    assert run.step("prepare").returncode == 0, "it reads no features"
    assert run.left["prepare"] == first, "so that what follows may come from a cache"
    done = run.step("features")
    assert done.returncode == ExitCode.USAGE
    assert "another recipe of cells than this pipeline" in done.stderr
    assert "`aimass train cells --upload`" in done.stderr


@pytest.mark.nightly
def test_all_steps_make_a_package_and_what_they_left_can_be_published(root: Path, tmp_path: Path) -> None:
    assert aimass(root, "train", "cells", "--upload").returncode == 0
    secret = tmp_path / "run/secrets/object-store/AIMASS_TRIED"
    secret.parent.mkdir(parents=True)
    secret.write_text("1", encoding="utf-8")
    run = started(root, tmp_path / "run")
    for name in run.specification["root"]["dag"]["tasks"]:
        done = run.step(name)
        assert done.returncode == 0, done.stderr
    workspace = tmp_path / "run/test/workspace"
    assert not (workspace / "data").exists(), "the data is brought to whom reads it"
    taken = aimass(root, "train", "cells", "--fetch")
    assert taken.returncode == 0, taken.stderr
    lock = yaml.safe_load((root / "generated/cells/dvc.lock").read_text(encoding="utf-8"))
    assert list(lock["stages"]) == ["prepare", "features", "train", "evaluate", "package", "test"]
    own = "artifacts/cells/train/model.onnx"
    made = tmp_path / "run/train/workspace" / own
    assert (root / own).read_bytes() == made.read_bytes()
