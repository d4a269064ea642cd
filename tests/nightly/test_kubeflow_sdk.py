"""Kubeflow's own SDK reads the pipeline that is rendered, and its compiler writes the same one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from aimass_compiler.render import render
from tests.render.models import VARIED, pipeline

pytestmark = pytest.mark.nightly
PYTHON = Path(__file__).parents[2] / "build/kubeflow-venv/bin/python"
PLAIN = {"pipeline": {"target": "kubeflow"}, "environments": {"dev": {"store": "s3://models/dvc"}}}
MODELS = {
    "everything": VARIED["kubeflow"],
    "plain": pipeline({"search": {"time": None}, "training": {"retries": 0}}, PLAIN),
}


@pytest.mark.parametrize("name", MODELS)
def test_its_compiler_writes_the_same(name: str, tmp_path: Path) -> None:
    if not PYTHON.exists():
        pytest.skip("Kubeflow's SDK has an environment apart: `make kubeflow` installs it")
    ours, written = tmp_path / "pipeline.yaml", tmp_path / "written.yaml"
    ours.write_bytes(render(MODELS[name])["pipeline/pipeline.yaml"])
    command = [str(PYTHON), str(Path(__file__).with_name("kubeflow_sdk.py")), str(ours), str(written)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read = [list(yaml.safe_load_all(path.read_text(encoding="utf-8"))) for path in (ours, written)]
    assert read[0] == read[1]
