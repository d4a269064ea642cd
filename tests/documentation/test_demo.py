"""The demo is run as it stands, and says what README.md shows of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documentation.blocks import ROOT, blocks
from tests.documentation.projects import variables

pytestmark = [pytest.mark.nightly, pytest.mark.pipeline]


def run(name: str, root: Path) -> str:
    """What a demo says that is run in a copy of what it needs."""
    for part in ("specs", "data", "scripts"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("*.parquet", "__pycache__"))
    found = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", f"scripts/{name}.sh"],
        cwd=root,
        env=os.environ | variables(root) | {"PATH": found},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_says_what_the_readme_shows(tmp_path: Path) -> None:
    (shown,) = [each for each in blocks(ROOT / "README.md") if each.text.startswith("$ make demo\n")]
    said = run("demo", tmp_path)
    steps = re.findall(r"^(?:\d\. .*|▸ .*|\$ aimass \w+ [a-z-]+)", shown.text, re.MULTILINE)
    assert len(steps) > 12
    assert [step for step in steps if step not in said] == []
