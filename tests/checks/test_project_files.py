"""Files of the project that a spec names are looked for before anything runs."""

from __future__ import annotations

from pathlib import Path

from aimass_compiler.checks import BASE
from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.diagnostics import Finding
from aimass_compiler.project import Project


def found(root: Path, change: str) -> list[Finding]:
    (root / "specs").mkdir()
    spec = BASE.replace("model: logistic_regression", change)
    (root / "specs/churn.yaml").write_text(spec, encoding="utf-8")
    project = Project(root)
    return [one for one in compile_specs(project, project.specs(), upto=Upto.CHECK).findings if one.is_error]


RANGE = (
    "model: {logistic_regression: {l2: {loguniform: [0.01, 1]}}}\nsearch: {warm_start: searches/first.json}"
)


def test_the_trials_that_a_search_begins_with_are_looked_for(tmp_path: Path) -> None:
    [finding] = found(tmp_path, RANGE)
    assert (finding.code, finding.path) == ("AM240", ("search", "warm_start"))


def test_trials_that_are_there_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "searches").mkdir()
    (tmp_path / "searches/first.json").touch()
    assert found(tmp_path, RANGE) == []
