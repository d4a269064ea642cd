"""`aimass compile` writes workflows as it writes generated/: compared, only its own, never over an edit."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimass_compiler import compile_cache
from aimass_compiler.conventions import VARIABLE_CACHE
from aimass_compiler.exit_codes import ExitCode
from tests.cli.projects import SPEC, Project

CI = "ci: {github: {compiler: {version: 0.1.0}}}\n"
FOLDER = ".github/workflows"
ALL = [f"aimass-{name}.yml" for name in ("check", "deliver", "drift", "train", "verify")]


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that asks for workflows, and has one of its own."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv(VARIABLE_CACHE, str(tmp_path / "cache"))
    made = Project(root, capsys)
    made.write("specs/churn.yaml", SPEC)
    made.write("aimass.yaml", CI)
    made.write(f"{FOLDER}/own.yml", "on: push\n")
    return made


def written(project: Project) -> list[str]:
    return sorted(path.name for path in (project.root / FOLDER).glob("aimass-*"))


def test_they_are_written_once_and_known_to_be_there(project: Project) -> None:
    first = project.aimass("compile")
    assert (first.code, written(project)) == (0, ALL)
    assert f"+ {FOLDER}/aimass-check.yml  is new" in first.out
    assert project.aimass("compile").out.startswith("nothing changes: ")
    root = str(project.root)
    assert compile_cache.unchanged_files(compile_cache.open_cache(root), root) is not None
    assert project.aimass("compile", "--no-cache") == project.aimass("compile")


def test_a_check_fails_where_they_are_stale(project: Project) -> None:
    project.aimass("compile")
    project.write("aimass.yaml", CI + "environments: {dev: {}, live: {}}\n")
    checked = project.aimass("compile", "--check", "--format", "github")
    assert checked.code == ExitCode.STALE
    assert "::error file=aimass.yaml,title=.github/ is stale::" in checked.out
    shown = project.aimass("compile", "--dry-run", "--diff")
    assert "-        options: [dev, staging, prod]\n+        options: [dev, live]\n" in shown.out
    assert project.aimass("compile").code == 0
    assert "options: [dev, live]" in (project.root / FOLDER / "aimass-deliver.yml").read_text()


def test_one_that_was_edited_is_reported_and_nothing_is_written(project: Project) -> None:
    project.aimass("compile")
    project.edit(
        "timeout-minutes: 5\n    permissions:\n      contents: read # to check out\n    outputs",
        "timeout-minutes: 6\n    permissions:\n      contents: read # to check out\n    outputs",
        f"{FOLDER}/aimass-check.yml",
    )
    project.edit("max: 3", "max: 4")
    before = project.files()
    answer = project.aimass("compile")
    assert (answer.code, project.files()) == (1, before)
    assert f"`{FOLDER}/aimass-check.yml` was edited by hand" in answer.err
    assert project.aimass("compile", "--force").code == 0
    assert project.aimass("compile", "--check").code == 0
    assert "timeout-minutes: 6" not in (project.root / FOLDER / "aimass-check.yml").read_text()


def test_one_that_is_no_longer_wanted_goes_and_those_of_people_stay(project: Project) -> None:
    project.aimass("compile")
    project.write("aimass.yaml", CI.replace("0.1.0}", "0.1.0}, drift: null"))
    assert f"- {FOLDER}/aimass-drift.yml  is no longer produced" in project.aimass("compile").out
    assert written(project) == [name for name in ALL if "drift" not in name]
    project.write("aimass.yaml", "")
    assert project.aimass("compile").code == 0
    assert [path.name for path in (project.root / FOLDER).iterdir()] == ["own.yml"]
    assert project.aimass("compile").out.startswith("nothing changes: ")


def test_one_model_alone_leaves_them_as_they_are(project: Project) -> None:
    assert project.aimass("compile", "churn").code == 0
    assert written(project) == []


def test_one_that_another_wrote_is_never_replaced(project: Project) -> None:
    project.write(f"{FOLDER}/aimass-check.yml", "on: push\n")
    answer = project.aimass("compile")
    assert answer.code == 1
    assert "is there and was not written by the compiler" in answer.err


def test_what_is_deleted_is_written_again(project: Project) -> None:
    project.aimass("compile")
    (project.root / FOLDER / "aimass-train.yml").unlink()
    assert project.aimass("compile", "--check").code == ExitCode.STALE
    assert project.aimass("compile").code == 0
    assert written(project) == ALL
