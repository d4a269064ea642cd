"""Who serves a package that is older than the spec learns so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.cli.outdated_package import tell_if_outdated
from aimass_compiler.project import Project

if TYPE_CHECKING:
    from pathlib import Path

LOCK = """\
schema: '2.0'
stages:
  evaluate:
    cmd: aimass-runtime evaluate growth/churn
    params:
      generated/growth/churn/pipeline.json:
        evaluation: {gates: [{min: 0.6}]}
"""


@pytest.mark.parametrize(("least", "is_told"), [(0.6, False), (0.95, True)])
def test_a_package_of_another_gate_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], least: float, *, is_told: bool
) -> None:
    generated = tmp_path / "generated/growth/churn"
    generated.mkdir(parents=True)
    package = tmp_path / "artifacts/growth/churn/package/model"
    tell_if_outdated(Project(tmp_path), package)
    (generated / "dvc.lock").write_text(LOCK)
    (generated / "pipeline.json").write_text(json.dumps({"evaluation": {"gates": [{"min": least}]}}))
    tell_if_outdated(Project(tmp_path), package)
    tell_if_outdated(Project(tmp_path), tmp_path / "elsewhere/package/model")
    expected = (
        "note: this package was made with another `evaluation` than the spec has now; "
        "`aimass run growth/churn` brings it up to date\n"
    )
    assert capsys.readouterr().err == (expected if is_told else "")
