"""Projects to call the command line in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.projects import SPEC, Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    """A folder with nothing in it, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return Project(tmp_path, capsys)


@pytest.fixture
def project(empty: Project) -> Project:
    """A project with one spec that was not compiled."""
    empty.write("specs/churn.yaml", SPEC)
    return empty


@pytest.fixture
def compiled(project: Project) -> Project:
    """The same, compiled."""
    assert project.aimass("compile").code == 0
    return project
