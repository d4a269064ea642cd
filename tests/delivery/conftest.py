"""Repositories to promote and to go back in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from delivery.deliveries import SETTINGS, Repository, version

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Repository:
    """Three versions of `churn`, and nothing released."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("COLUMNS", "100")
    made = Repository(tmp_path / "models", capsys)
    made.write("aimass.yaml", SETTINGS)
    made.write("specs/churn.yaml", "")
    made.serve()
    made.record(version(1), version(2), version(3))
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("config", "user.name", "Ada")
    made.git("config", "user.email", "ada@example.com")
    made.commit("2026-11-01T00:00:00Z", "three versions")
    return made
