"""Whoever reads the output may stop at any moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.projects import Project

AIMASS = Path(sys.executable).with_name("aimass")


@pytest.mark.parametrize(
    "command", ["explain churn", "schema", "--help", "explain AM033", "plan --format json"]
)
def test_a_reader_who_is_gone(project: Project, command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [AIMASS, *command.split()],
        cwd=project.root,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_who_needs_one_line(project: Project) -> None:
    line = f"set -o pipefail; {AIMASS} schema | head -1"
    done = subprocess.run(["bash", "-c", line], cwd=project.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")


def test_a_terminal_that_knows_ascii_only(project: Project) -> None:
    project.edit("charges: number", "chargés: numbr")
    done = subprocess.run(
        [AIMASS, "compile"],
        cwd=project.root,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"there is no type `numbr`" in done.stderr
