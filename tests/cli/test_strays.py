"""Nothing below specs/ that looks like a spec is passed over in silence."""

from __future__ import annotations

import pytest

from aimass_compiler.exit_codes import ExitCode
from cli.projects import SPEC, Project

STRAYS = ("specs/risk/eu/balance.yaml", "specs/risk/eu/notes.yml", "specs/upper.YAML")


@pytest.fixture
def strayed(compiled: Project) -> Project:
    for path in STRAYS:
        compiled.write(path, SPEC)
    compiled.write("specs/.ipynb_checkpoints/churn.yaml", SPEC)
    compiled.write("specs/README.md", "about them")
    return compiled


@pytest.mark.parametrize(
    "words", [["check"], ["compile"], ["compile", "--check"], ["compile", "--dry-run"], ["plan"]]
)
def test_each_is_named(strayed: Project, words: list[str]) -> None:
    done = strayed.aimass(*words)
    assert done.code == ExitCode.FAILED
    assert [path for path in STRAYS if f"`{path}` is not read" in done.err] == list(STRAYS)
    assert done.err.count("AM023") == len(STRAYS)
    assert "move it to `specs/risk/balance.yaml`" in done.err


def test_the_memory_of_an_earlier_compile_does_not_hide_them(compiled: Project) -> None:
    assert compiled.aimass("compile").code == ExitCode.DONE
    compiled.write(STRAYS[0], SPEC)
    assert compiled.aimass("compile", "--check").code == ExitCode.FAILED


@pytest.mark.parametrize("words", [["run", "balance"], ["check", "balance"], ["compile", STRAYS[0]]])
def test_who_names_one_is_told(strayed: Project, words: list[str]) -> None:
    done = strayed.aimass(*words)
    assert done.code == ExitCode.USAGE
    assert "`specs/risk/eu/balance.yaml` is not read: it lies deeper than" in done.err


def test_where_there_are_no_others(empty: Project) -> None:
    empty.write(STRAYS[0], SPEC)
    assert "`specs/risk/eu/balance.yaml` is not read" in empty.aimass("check").err
