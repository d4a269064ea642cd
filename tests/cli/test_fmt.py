"""`aimass fmt` brings files into canonical form, and leaves alone what it cannot read."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from cli.projects import SPEC, Project

UGLY = """\
# yaml-language-server: $schema=../schemas/model.json

# what is left
target: churned # yes or no

serving:
    replicas: { min: 1 }
    # later: max
apiVersion:   aimass/v1
# why a model
kind: Model


metadata: {name: churn}
# the end
"""
NEAT = """\
# yaml-language-server: $schema=../schemas/model.json

# what is left
target: churned # yes or no

serving:
  replicas: {min: 1}
  # later: max
apiVersion: aimass/v1
# why a model
kind: Model

metadata: {name: churn}
# the end
"""


def test_the_layout_is_changed_and_the_order_of_keys_stays(project: Project) -> None:
    project.write("specs/churn.yaml", UGLY)
    done = project.aimass("fmt")
    assert (done.code, done.out, done.err) == (0, "specs/churn.yaml was formatted\n", "")
    assert (project.root / "specs/churn.yaml").read_text() == NEAT
    assert project.aimass("fmt", "--check").code == 0


def test_the_example_spec_is_in_canonical_form(project: Project) -> None:
    assert project.aimass("fmt", "--check").code == 0
    assert (project.root / "specs/churn.yaml").read_text() == SPEC


@pytest.mark.parametrize(("option", "code"), [("--dry-run", 0), ("--check", 3)])
def test_it_can_only_look(project: Project, option: str, code: int) -> None:
    project.write("specs/churn.yaml", SPEC.replace("kind: Model", "kind:  Model"))
    project.write("aimass.yaml", "images:   {}\n")
    done = project.aimass("fmt", option, "--diff")
    assert done.code == code
    assert "-kind:  Model\n+kind: Model\n" in done.out
    assert "-images:   {}\n+images: {}\n" in done.out
    assert "kind:  Model" in (project.root / "specs/churn.yaml").read_text()


@pytest.mark.parametrize("text", ["a: [\n", "a: 1\na: 2\n", "a: 1\n---\nb: 2\n", "", "a:\n\tb: 1\n"])
def test_what_cannot_be_read_is_told_and_left_alone(project: Project, text: str) -> None:
    project.write("specs/churn.yaml", text)
    project.write("specs/other.yaml", "kind:  Model\n")
    done = project.aimass("fmt")
    assert done.code == 1
    assert "error[AM0" in done.err
    assert (project.root / "specs/churn.yaml").read_text() == text
    assert (project.root / "specs/other.yaml").read_text() == "kind: Model\n"


def test_a_spec_with_mistakes_that_can_be_read_is_formatted(project: Project) -> None:
    project.write("specs/churn.yaml", SPEC.replace("kind: Model", "kind:  5"))
    assert project.aimass("fmt", "churn").code == 0
    assert "kind: 5\n" in (project.root / "specs/churn.yaml").read_text()


def test_windows_lines_stay(project: Project) -> None:
    (project.root / "specs/churn.yaml").write_bytes(SPEC.replace(": ", ":  ").replace("\n", "\r\n").encode())
    assert project.aimass("fmt").code == 0
    assert (project.root / "specs/churn.yaml").read_bytes() == SPEC.replace("\n", "\r\n").encode()


def test_what_is_typed_is_answered(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"kind:   Model\n")))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(answer))
    assert project.aimass("fmt", "--stdin-filename", "specs/churn.yaml").code == 0
    assert answer.getvalue() == b"kind: Model\n"
    assert (project.root / "specs/churn.yaml").read_text() == SPEC


def test_a_file_that_is_not_there_is_told(project: Project) -> None:
    done = project.aimass("fmt", "specs/gone.yaml")
    assert done.code == 1
    assert "gone.yaml cannot be read" in done.err
