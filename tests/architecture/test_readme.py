"""What the README shows is true of the compiler."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aimass_compiler.cli import main
from aimass_compiler.cli.commands import commands

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SPEC, SETTINGS = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "aimass.yaml").write_text(SETTINGS)
    return tmp_path


def test_its_spec_and_settings_compile_without_findings(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "specs/churn.yaml").write_text(SPEC)
    assert main(["compile", "--root", str(project)]) == 0
    assert capsys.readouterr().err == ""


def test_its_mistake_is_told_as_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "specs/churn.yaml").write_text(SPEC.replace("standardize: [tenure", "standardize: [tenuer"))
    assert main(["compile", "--root", str(project)]) == 1
    told = capsys.readouterr().err
    shown = re.search(r"```console\n(error.*?)```", README, re.DOTALL)
    assert shown
    assert shown[1].strip() in told


def test_it_names_every_command() -> None:
    assert [command.name for command in commands() if f"aimass {command.name}" not in README] == []
