"""`aimass init` in an empty repository: settings, workflows, hooks; and never over what is there."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
import yaml

from aimass_compiler import conventions
from aimass_compiler.conventions import VARIABLE_CACHE
from tests.cli.projects import SPEC, Project

FLAGS = ("--env", "dev", "--env", "prod", "--registry", "ghcr.io/acme/models")
WORKFLOWS = [f"aimass-{name}.yml" for name in ("check", "deliver", "drift", "train", "verify")]


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty folder."""
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path / "models")
    monkeypatch.setenv(VARIABLE_CACHE, str(tmp_path / "cache"))
    return Project(tmp_path / "models", capsys)


def written(project: Project) -> list[str]:
    return sorted(path.name for path in (project.root / ".github/workflows").glob("aimass-*"))


def test_a_folder_becomes_a_project_whose_first_spec_compiles(folder: Project) -> None:
    done = folder.aimass("init", *FLAGS)
    assert (done.code, done.err, written(folder)) == (0, "", WORKFLOWS)
    assert "wrote aimass.yaml, .gitignore, .pre-commit-config.yaml\n" in done.out
    assert yaml.safe_load((folder.root / "aimass.yaml").read_text()) == {
        "environments": {"dev": {"namespace": "ml-dev"}, "prod": {"namespace": "ml-prod"}},
        "images": {"registry": "ghcr.io/acme/models"},
        "ci": {"github": {"compiler": {"version": "0.1.0"}}},
    }
    folder.write("specs/churn.yaml", SPEC)
    assert folder.aimass("compile").err == ""
    assert folder.aimass("compile", "--check").code == 0


def test_an_environment_later_is_one_line_and_a_compile(folder: Project) -> None:
    folder.aimass("init", *FLAGS)
    folder.write("specs/churn.yaml", SPEC)
    folder.edit("  prod: {namespace: ml-prod}\n", "  prod: {namespace: ml-prod}\n  eu: {}\n", "aimass.yaml")
    assert folder.aimass("compile").code == 0
    deliver = (folder.root / ".github/workflows/aimass-deliver.yml").read_text()
    assert "options: [dev, prod, eu]" in deliver


def test_what_is_there_stays_as_it_is(folder: Project) -> None:
    folder.write(".gitignore", "/mine/\n")
    folder.write("aimass.yaml", "environments: {live: {}}\n")
    done = folder.aimass("init", *FLAGS)
    assert (done.code, written(folder)) == (0, [])
    assert "wrote .pre-commit-config.yaml\nleft as it is: aimass.yaml, .gitignore\n" in done.out
    assert (folder.root / ".gitignore").read_text() == "/mine/\n"


@pytest.mark.parametrize(
    ("options", "compiler"),
    [
        (("wheel=vendor/a.whl",), {"wheel": "vendor/a.whl"}),
        (
            ("version=0.1.0", "index=https://pypi.acme.example"),
            {"version": "0.1.0", "index": "https://pypi.acme.example"},
        ),
        (("none",), None),
    ],
)
def test_where_the_compiler_comes_from_can_be_said(
    folder: Project, options: tuple[str, ...], compiler: dict[str, str] | None
) -> None:
    words = [word for each in options for word in ("--compiler", each)]
    assert folder.aimass("init", *FLAGS, *words).code == 0
    settings = yaml.safe_load((folder.root / "aimass.yaml").read_text())
    assert settings.get("ci") == (compiler and {"github": {"compiler": compiler}})


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--compiler", "pip"), "`--compiler pip` is none of version=…"),
        (("churn",), "a spec is proposed from data: DATA is missing"),
    ],
)
def test_what_makes_no_sense_is_reported(folder: Project, arguments: tuple[str, ...], reason: str) -> None:
    answer = folder.aimass("init", *arguments)
    assert answer.code == 2
    assert reason in answer.err
    assert not (folder.root / "aimass.yaml").exists()


def test_settings_that_are_wrong_are_reported(folder: Project) -> None:
    answer = folder.aimass("init", *FLAGS, "--compiler", "git=https://example.com/a.git")
    assert answer.code == 1
    assert "`git` and `commit` belong together" in answer.err


def test_hooks_run_for_every_folder_that_specs_depend_on() -> None:
    text = resources.files("aimass_compiler.starter").joinpath("pre-commit-config.yaml").read_text()
    for hook in yaml.safe_load(text)["repos"][0]["hooks"]:
        for folder in (conventions.SPECS_FOLDER, *conventions.ORGANISATION_FOLDERS):
            assert re.match(hook["files"], f"{folder}/x.yaml"), folder
