"""Projects to call the command line in."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.cli import main
from cli.projects import SPEC, Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    """A folder with nothing in it, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")  # several processes of pytest say 80, and one says nothing
    return Project(tmp_path, capsys)


@pytest.fixture
def project(empty: Project) -> Project:
    """A project with one spec that was not compiled."""
    empty.write("specs/churn.yaml", SPEC)
    return empty


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the spec compiles to, compiled once: every file is flushed to the disk, which takes its time."""
    root = tmp_path_factory.mktemp("compiled")
    (root / "specs").mkdir()
    (root / "specs" / "churn.yaml").write_text(SPEC, encoding="utf-8")
    assert main(["compile", "--root", str(root)]) == 0
    return root / "generated"


@pytest.fixture
def compiled(project: Project, generated: Path) -> Project:
    """The same, compiled."""
    shutil.copytree(generated, project.root / "generated")
    return project
