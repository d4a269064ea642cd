"""A digest in aimass.yaml whose image no spec has is told, whichever specs are compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimass_compiler.conventions import VARIABLE_CACHE
from cli.projects import SPEC, Project

MISSPELT = f"""\
warning[AM449]: no spec describes a model whose image is called `chrun`, so this digest pins nothing
 --> aimass.yaml:3:5
  |
3 |     chrun: spec-0123456789ab@sha256:{"0" * 59}…
  |     ^^^^^
help: did you mean `churn`?
"""


def record(project: Project, *names: str) -> None:
    """Put digests of images on record, which AM440 takes for those of yesterday."""
    lines = [f"    {name}: spec-0123456789ab@sha256:{'0' * 64}" for name in names]
    accepted = "waivers: [{code: AM440, reason: these are tests}]"
    project.write("aimass.yaml", "\n".join(["images:", "  digests:", *lines, accepted, ""]))


@pytest.mark.parametrize("command", ["compile", "check", "plan"])
def test_a_misspelt_name_is_told_where_it_stands(project: Project, command: str) -> None:
    record(project, "chrun")
    answer = project.aimass(command)
    assert answer.code == 0
    assert MISSPELT in answer.err


def test_the_names_of_both_images_of_a_model_are_known(project: Project) -> None:
    record(project, "churn", "churn-train")
    assert project.aimass("check").err == ""


def test_the_image_that_trains_is_meant_where_its_name_is_nearer(project: Project) -> None:
    record(project, "chrun-train")
    assert "did you mean `churn-train`?" in project.aimass("check").err


def test_a_name_like_no_other_may_be_that_of_a_model_that_is_gone(project: Project) -> None:
    for name in "abcdefg":
        project.write(f"specs/{name}.yaml", SPEC.replace("name: churn", f"name: {name}"))
    record(project, "of-long-ago")
    assert "help: remove it, if its model is gone\n" in project.aimass("check", "churn").err


@pytest.mark.parametrize("command", ["compile", "check"])
def test_a_spec_that_is_not_compiled_counts(project: Project, command: str) -> None:
    project.write("specs/fraud.yaml", SPEC.replace("name: churn", "name: fraud"))
    record(project, "fraud", "churn")
    assert "AM449" not in project.aimass(command, "churn").err


def test_a_spec_that_cannot_be_understood_counts(project: Project) -> None:
    project.write("specs/fraud.yaml", "kind: [")
    record(project, "fraud")
    answer = project.aimass("check")
    assert answer.code == 1
    assert "AM449" not in answer.err


def test_it_can_be_accepted(project: Project) -> None:
    record(project, "chrun")
    project.edit("{code: AM440,", "{code: AM449,", "aimass.yaml")
    assert project.aimass("check").err == ""


def test_the_record_of_a_spec_that_was_deleted_is_told_each_time(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE_CACHE, str(tmp_path / "cache"))
    project.write("specs/fraud.yaml", SPEC.replace("name: churn", "name: fraud"))
    record(project, "fraud")
    assert project.aimass("compile").err == ""
    (project.root / "specs/fraud.yaml").unlink()
    first = project.aimass("compile")
    assert "AM449" in first.err
    assert project.aimass("compile").err == first.err
