"""Killed or refused at any step on the disk, every file is whole and the next compile converges.

A few steps of each kind are tried here; `make faults` tries them all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="needs Linux and a C compiler"
)
def test_a_compile_that_fails_at_any_step_leaves_whole_files(tmp_path: Path) -> None:
    library = tmp_path / "fault.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, HERE / "fault.c", "-ldl"], check=True
    )
    every = os.environ.get("FAULTS_EVERY", "59")
    command = [sys.executable, "-m", "tests.nightly.faults.harness", str(tmp_path), every]
    environment = os.environ | {
        "LD_PRELOAD": str(library),
        "PYTHONDONTWRITEBYTECODE": "1",  # which would be a change outside of the folder
        "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path)),
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "the next compile converges" in done.stdout
