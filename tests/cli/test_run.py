"""`aimass run`: what is said before the first stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.programs import dvc

if TYPE_CHECKING:
    from pathlib import Path

    from cli.projects import Project

NOTE = (
    "note: sklearn is not installed, and train fails without it if it has to run: "
    "`pip install 'aimass-compiler[run]'` brings it\n"
)


@pytest.mark.parametrize(("until", "is_noted"), [((), True), (("--until", "features"), False)])
def test_a_framework_that_train_lacks_is_named_at_once(
    project: Project, monkeypatch: pytest.MonkeyPatch, until: tuple[str, ...], *, is_noted: bool
) -> None:
    def refuse(root: Path) -> NoReturn:
        raise dvc.DvcFailed(f"no stage runs in {root.name}")

    monkeypatch.setattr(Framework, "is_installed", False)
    monkeypatch.setattr(dvc, "prepare", refuse)
    done = project.aimass("run", "churn", *until)
    refusal = f"error: no stage runs in {project.root.name}\n"
    assert done.err == (NOTE if is_noted else "") + refusal
