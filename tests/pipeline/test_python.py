"""docs/python.md is run, block after block, in a project that was run; and importing it stays light."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aimass_compiler import open_project
from aimass_compiler.cli.api import SpecsInvalid
from aimass_compiler.diagnostics import HintedError
from pipeline.projects import COMMANDS, SPEC
from tests.documentation.blocks import ROOT, blocks

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.projects import Project


@pytest.mark.pipeline
@pytest.mark.slow
def test_the_page_is_run_as_it_is_written(project: Project) -> None:
    text = "\n".join(each.text for each in blocks(ROOT / "docs/python.md") if not each.reason)
    environment = {"PATH": f"{COMMANDS}:/usr/bin:/bin", "HOME": str(project.root)}
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=project.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "['churn']" in done.stdout
    assert "nothing changed since the last run" in done.stdout
    assert "there is no spec `chrun` in specs/ - did you mean `churn`?" in done.stdout
    assert done.stdout.count("'label'") >= 3


@pytest.mark.pipeline
@pytest.mark.slow
def test_a_notebook_shows_tables(project: Project) -> None:
    opened = open_project(project.root)
    shown = opened.results("churn")._repr_html_()
    assert "<th>metric</th><th>train</th><th>validation</th><th>test</th>" in shown
    assert "<td>✓</td><td>roc_auc on the test split is" in shown
    assert "<td>churn</td>" in opened._repr_html_()


def test_importing_it_is_light() -> None:
    code = (
        "import sys, aimass_compiler; before = set(sys.modules)\n"
        "from aimass_compiler import open_project\n"
        "heavy = {'pydantic', 'yaml', 'polars', 'numpy', 'ray', 'torch', 'jinja2'} & set(sys.modules)\n"
        "ours = {name for name in before if name.startswith('aimass_compiler.')}\n"
        "sys.exit(repr((heavy, ours)) if heavy or ours != {'aimass_compiler.version'} else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_specs_are_compiled_and_what_is_wrong_with_them_is_raised(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    spec = tmp_path / "specs/churn.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    project = open_project(tmp_path)
    planned = project.plan()
    assert {change.action.value for change in planned} == {"create"}
    assert not (tmp_path / "generated").exists()
    assert project.compile() == planned
    assert project.plan() == []
    spec.write_text(SPEC.replace("target: churned", "target: churnd"), encoding="utf-8")
    with pytest.raises(SpecsInvalid) as raised:
        project.compile("churn")
    assert raised.value.help
    assert {finding.code for finding in raised.value.findings} == {
        finding.code for finding in project.check()
    }


def test_a_model_that_does_not_exist_is_no_empty_result(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/churn.yaml").write_text(SPEC, encoding="utf-8")
    project = open_project(tmp_path)
    assert project.results("churn").metrics == {}
    assert "<code>project.run(&#x27;churn&#x27;)</code>" in project.results("churn")._repr_html_()
    assert project.versions("churn") == ()
    with pytest.raises(HintedError, match="chrun"):
        project.versions("chrun")


def test_names_that_do_not_exist_end_no_program(tmp_path: Path) -> None:
    with pytest.raises(HintedError, match="there is no folder"):
        open_project(tmp_path / "nowhere")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/churn.yaml").write_text(SPEC, encoding="utf-8")
    project = open_project(tmp_path)
    with pytest.raises(HintedError, match="there is no spec `chrun`"):
        project.run("chrun")
    assert project.run("churn", until="trian") == 2
    with pytest.raises(HintedError, match="`churn` has no results here"):
        project.report("churn", into=str(tmp_path / "report.html"))
