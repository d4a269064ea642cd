"""One project in which everything was run, for all tests that copy it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.projects import Project
from tests.harness.made_once import made_once

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose model was trained, packaged and tested; nobody may change it."""
    return Project(made_once(tmp_path_factory, "finished", _run))


def _run(root: Path) -> None:
    done = Project.make(root).aimass("run", "churn")
    assert done.code == 0, done.told


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of it to change."""
    return finished.copy(tmp_path)
