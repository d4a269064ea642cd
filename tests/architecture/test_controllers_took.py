"""At its end, a run of the tests says how long each controller took to be built, and its tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_CONFTEST = """
import pytest
from tests.harness import controllers_took

@pytest.fixture(scope="session")
def build(pytestconfig):
    return lambda *names: controllers_took.note(pytestconfig, names)
"""
_TESTS = """
import pytest

@pytest.fixture(scope="module")
def controllers(build):
    build("kueue", "keda-operator", "kubectl")

def test_one(controllers): pass

def test_another(controllers): pass
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_each_controller_is_told_with_its_tests(tmp_path: Path, workers: str) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    (tmp_path / "test_some.py").write_text(_TESTS, encoding="utf-8")
    (tmp_path / "test_others.py").write_text("def test_alone(): pass\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n", encoding="utf-8")
    options = [
        "-p",
        "tests.harness.controllers_took",
        "-p",
        "no:hydra_pytest",
        "--dist=loadfile",
        "-n",
        workers,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line]
    first = next(place for place, line in enumerate(lines) if "how long controllers took" in line)
    told = [line.split() for line in lines[first + 1 : first + 3]]
    assert [line[0] for line in told] == ["kueue", "keda-operator"], "and none of those of every run"
    assert all(line[-5:-1] == ["2", "tests", "in", "0"] for line in told)
