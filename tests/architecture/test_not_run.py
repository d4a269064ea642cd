"""At its end, a run of the tests tells what it left out, why, and what runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TESTS = """
import pytest

def test_always(): pass

@pytest.mark.nightly
def test_long(): pass

@pytest.mark.skipif(True, reason="no promtool here; make builds it")
@pytest.mark.parametrize("number", range(3))
def test_alerts(number): pass

def test_disk(): pytest.skip("no disk\\n  of this kind")
"""


@pytest.fixture
def run(tmp_path: Path) -> list[str]:
    (tmp_path / "test_some.py").write_text(_TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = nightly\npythonpath = " + str(ROOT))
    plugins = ["-p", "tests.harness.not_run", "-p", "no:hydra_pytest"]
    return [sys.executable, "-m", "pytest", *plugins, str(tmp_path)]


def told(run: list[str], *options: str) -> list[str]:
    done = subprocess.run([*run, *options], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_was_skipped_and_what_is_left_to_the_night(run: list[str], workers: str) -> None:
    lines = told(run, "-n", workers)
    first = lines.index("3 no promtool here; make builds it")
    assert any("what was not run" in line for line in lines[:first])
    assert lines[first + 1 : first + 3] == [
        "1 no disk of this kind",
        "1 takes minutes; `make nightly` runs it",
    ]
    assert "1 passed, 4 skipped" in lines[-1]


def test_at_night_what_is_marked_runs(run: list[str]) -> None:
    lines = told(run, "-m", "nightly")
    assert "1 passed" in lines[-1]
    assert not any("not run" in line for line in lines)
