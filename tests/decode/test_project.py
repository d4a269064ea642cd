"""The files of a project taken together: its settings, and specs that get in each other's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aimass_compiler.checks import BASE
from aimass_compiler.cli.views import people
from aimass_compiler.compile import Compiled, compile_specs
from aimass_compiler.project import Project

if TYPE_CHECKING:
    from pathlib import Path

TWICE = """\
error[AM208]: the model `churn` has a spec already
 --> specs/churn.yml:4:18
  |
4 | metadata: {name: churn}
  |                  ^^^^^
 ::: specs/churn.yaml:3:18
  |
3 | metadata: {name: churn}
  |                  ----- `churn` is described here, too
help: keep one of them

1 error in specs/churn.yml
"""


def compiled(root: Path, files: dict[str, str]) -> Compiled:
    """What comes of a project with these files."""
    (root / "specs").mkdir()
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    project = Project(root)
    return compile_specs(project, project.specs())


def test_two_specs_of_one_model_are_told_with_both_places(tmp_path: Path) -> None:
    found = compiled(tmp_path, {"specs/churn.yaml": BASE, "specs/churn.yml": f"# a copy\n{BASE}"})
    assert people.drawn(found.findings, found.documents) == TWICE
    assert found.files == {}


def test_a_spec_is_called_like_its_model(tmp_path: Path) -> None:
    found = compiled(tmp_path, {"specs/chrun.yaml": BASE})
    assert [(finding.code, finding.file) for finding in found.findings] == [("AM205", "specs/chrun.yaml")]


@pytest.mark.parametrize("settings", ["", "# to be written\n", "---\n", "{}"])
def test_settings_that_say_nothing_are_the_defaults(tmp_path: Path, settings: str) -> None:
    found = compiled(tmp_path, {"aimass.yaml": settings, "specs/churn.yaml": BASE})
    assert found.findings == ()
    assert list(found.pipelines["churn"].environments) == ["dev", "staging", "prod"]


def test_there_is_at_least_one_environment(tmp_path: Path) -> None:
    found = compiled(tmp_path, {"aimass.yaml": "environments: {}\n", "specs/churn.yaml": BASE})
    [finding] = found.findings
    assert (finding.code, finding.path, finding.file) == ("AM107", ("environments",), "aimass.yaml")
    assert finding.message == "`environments` must have at least 1 item, not 0"
    assert found.files == {}
