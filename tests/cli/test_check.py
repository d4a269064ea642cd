"""`aimass check` finds what compiling finds and writes nothing, also in a text that was not saved."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.projects import SPEC, Project


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))


def test_a_sound_project_has_nothing_to_tell(project: Project) -> None:
    done = project.aimass("check")
    assert (done.code, done.out, done.err) == (0, "specs/churn.yaml is fine\n", "")
    assert not (project.root / "generated").exists()


def test_what_was_checked_and_is_fine_is_told_to_people(project: Project) -> None:
    project.write("specs/second.yaml", SPEC.replace("name: churn", "name: second"))
    project.write("aimass.yaml", "labels: {team: growth}\n")
    assert project.aimass("check").out == "2 specs are fine\n"
    assert project.aimass("check", "second").out == "specs/second.yaml is fine\n"
    assert project.aimass("check", "aimass.yaml").out == "aimass.yaml is fine\n"
    assert project.aimass("check", "--format", "github").out == ""


@pytest.mark.parametrize(
    "broken", ["charges: numbr", "charges: 5", "charges: [", "charges: number\n    x: number"]
)
@pytest.mark.parametrize("form", ["people", "json", "sarif", "github"])
def test_it_tells_what_compiling_tells(project: Project, broken: str, form: str) -> None:
    project.edit("charges: number", broken)
    project.write("aimass.yaml", "imags: {}\n")
    assert project.aimass("check", "--format", form) == project.aimass(
        "compile", "--dry-run", "--format", form
    )


def test_what_is_typed_counts_and_not_what_is_saved(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, SPEC.replace("kind: Model", "kind: Modell"))
    done = project.aimass("check", "--stdin-filename", "specs/churn.yaml", "--format", "json")
    (found,) = json.loads(done.out)["findings"]
    assert (done.code, found["file"], found["place"]["line"]) == (1, "specs/churn.yaml", 2)
    assert (project.root / "specs/churn.yaml").read_text() == SPEC


def test_a_new_file_can_be_the_second_of_its_model(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, SPEC)
    done = project.aimass("check", "--stdin-filename", "specs/churn.yml")
    assert done.code == 1
    assert "error[AM208]: the model `churn` has a spec already" in done.err
    assert "::: specs/churn.yaml:4:9" in done.err


def test_the_settings_are_checked_with_the_specs_that_they_are_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "labels: {a b: c}\n")
    done = project.aimass("check", "--stdin-filename", "aimass.yaml")
    assert done.code == 1
    assert "error[AM413]" in done.err
    assert "churn.yaml" not in done.err


def test_a_policy_is_checked_with_the_specs_that_it_is_about(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "why: they are few\nrule: {expression: here.serving.nodes > 1}\n")
    done = project.aimass("check", "--stdin-filename", "policies/nodes.yaml")
    assert done.code == 1
    assert "error[AM185]" in done.err
    assert " --> policies/nodes.yaml:2:20" in done.err


def test_the_project_is_that_around_the_file(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    type_in(monkeypatch, SPEC.replace("kind: Model", "kind: Modell"))
    done = project.aimass("check", "--stdin-filename", str(project.root / "specs/churn.yaml"))
    assert " --> specs/churn.yaml:2:7" in done.err


def test_one_file_is_typed_at_a_time(project: Project) -> None:
    assert project.aimass("check", "churn", "--stdin-filename", "specs/churn.yaml").code == 2


@pytest.mark.parametrize("text", ["", "\0", "[", "a: *b", "- 1\n"])
def test_no_text_breaks_it(project: Project, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    type_in(monkeypatch, text)
    done = project.aimass("check", "--stdin-filename", str(Path("specs") / "churn.yaml"), "--format", "sarif")
    assert done.code == 1
    assert json.loads(done.out)["runs"][0]["results"]


OF_ALL = {"teams": "quotaa: 1\n", "policies": "whyy: 1\n", "contracts": "kind: 1\n", "features": "log: 1\n"}


@pytest.mark.parametrize(("folder", "text"), OF_ALL.items())
def test_a_file_of_the_organisation_is_checked_as_what_it_is(
    project: Project, monkeypatch: pytest.MonkeyPatch, folder: str, text: str
) -> None:
    file = f"{folder}/own.yaml"
    type_in(monkeypatch, text)
    typed = project.aimass("check", "--stdin-filename", file)
    project.write(file, text)
    named = project.aimass("check", file)
    assert (named.code, typed.code) == (1, 1)
    assert named.out == typed.out
    assert file in typed.out + typed.err
    assert "apiVersion: aimass/v1" not in named.out + named.err


@pytest.mark.parametrize("named", [[], ["teams/risk.yaml"]])
def test_a_file_of_the_organisation_is_fixed_as_what_it_is(project: Project, named: list[str]) -> None:
    project.write("teams/risk.yaml", "quotaa: {cpu: 1}\n")
    project.aimass("fix", *named)
    assert (project.root / "teams/risk.yaml").read_text() == "quota: {cpu: 1}\n"
