"""What the README shows is true of the compiler."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aimass_compiler.cli import main
from aimass_compiler.cli.commands import ORDER, commands

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
(SPEC,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    return tmp_path


def test_its_spec_compiles_without_findings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_every_command_has_its_line() -> None:
    assert [command.name for command in commands() if f"aimass {command.name}" not in COMMANDS] == []


def test_every_command_is_in_the_list() -> None:
    folder = ROOT / "aimass_compiler/cli/commands"
    assert sorted(ORDER) == sorted(path.stem for path in folder.glob("[a-z]*.py"))


def test_its_plan_is_told_as_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """But for what a run leaves: times, and what is cached."""
    shown = re.search(r"\$ aimass plan\n(.*?)  stages\n(.*?)  estimated", README, re.DOTALL)
    assert shown
    name = shown[1].split()[0]
    (tmp_path / "specs").mkdir()
    spec = (ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8")
    (tmp_path / "specs" / f"{name}.yaml").write_text(spec)
    assert main(["compile", "--root", str(tmp_path)]) == 0
    assert spec.count("[2, 3, 4]") == 1
    (tmp_path / "specs" / f"{name}.yaml").write_text(spec.replace("[2, 3, 4]", "[2, 3, 4, 6]"))
    capsys.readouterr()
    assert main(["plan", "--root", str(tmp_path)]) == 0
    told = re.sub(r"spec-[0-9a-f]{12}", "spec-", capsys.readouterr().out)
    assert told.startswith(re.sub(r"spec-[0-9a-f]{12}", "spec-", shown[1]))
    assert all(line in told for line in shown[2].splitlines() if "cached" not in line)
