"""`aimass run`: what is said before the first stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.programs import dvc

if TYPE_CHECKING:
    from pathlib import Path

    from cli.projects import Project

HINT = "`pip install 'aimass-compiler[run]'` brings it\n"
NOTE = f"note: sklearn is not installed, and train fails without it if it has to run: {HINT}"


@pytest.mark.parametrize(("until", "is_noted"), [((), True), (("--until", "features"), False)])
def test_a_framework_that_train_lacks_is_named_where_train_may_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, until: tuple[str, ...], *, is_noted: bool
) -> None:
    def refuse(root: Path) -> NoReturn:
        raise dvc.DvcFailed(f"no stage runs in {root.name}")

    monkeypatch.setattr(Framework, "is_installed", False)
    monkeypatch.setattr(dvc, "prepare", refuse)
    assert project.aimass("compile").code == 0
    (project.root / "generated/churn/dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    done = project.aimass("run", "churn", *until)
    refusal = f"error: no stage runs in {project.root.name}\n"
    assert done.err == (NOTE if is_noted else "") + refusal


def test_nothing_is_begun_without_the_framework_of_the_first_training(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Framework, "is_installed", False)
    done = project.aimass("run", "churn")
    assert done.code == ExitCode.USAGE
    assert done.err == f"error: sklearn is not installed, and train fails without it\nhelp: {HINT}"
    assert not (project.root / ".dvc").exists()
