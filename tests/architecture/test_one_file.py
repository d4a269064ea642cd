"""One file adds a kind, with all that belongs to it, and takes it away again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOUBLE = '''"""Twice a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression


class Double(EachColumn):
    """Twice a number."""

    accepts: ClassVar[frozenset[str]] = frozenset({"number"})

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name, learned
        return Arithmetic("multiply", column, Constant(2.0))
'''
SPEC = """
apiVersion: aimass/v1
kind: Model
metadata: {{name: tiny}}
data:
  sources: {{rows: data/rows.csv}}
  columns: {{x: number, y: {{type: category, values: [a, b]}}}}
target: y
features: [{features}]
model: naive_bayes
"""


#: Calls the command line again and again in one process, and keeps what it answers.
CALLS = """
import contextlib, io, json, sys
from aimass_compiler.cli import main
answers = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        answers.append([main(arguments), out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""


Answer = tuple[int, str, str]


def answers(sources: Path, *calls: list[str]) -> list[Answer]:
    """The exit code, output and errors of each call of these sources."""
    environment = os.environ | {"PYTHONPATH": str(sources)}
    command = [sys.executable, "-c", CALLS, json.dumps(calls)]
    done = subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [(code, out, err) for code, out, err in json.loads(done.stdout)]


#: What is compiled by sources that have one transform more and one less.
FEATURES = {
    "new": "{double: x}",
    "misspelt": "{doubel: x}",
    "other": "{standardize: x}",
    "gone": "{bucket: x}",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project for each of the features."""
    root = tmp_path_factory.mktemp("projects")
    for name, features in FEATURES.items():
        (root / name / "specs").mkdir(parents=True)
        (root / name / "specs/tiny.yaml").write_text(SPEC.format(features=features))
    return root


@pytest.fixture(scope="module")
def told(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What a copy of the sources, with one file more and one less, answers to each, and its schema."""
    sources = tmp_path_factory.mktemp("src")
    shutil.copytree(ROOT / "aimass_compiler", sources / "aimass_compiler")
    (sources / "aimass_compiler/catalog/transforms/double.py").write_text(DOUBLE)
    (sources / "aimass_compiler/catalog/transforms/bucket.py").unlink()
    calls = [["compile", "--root", str(folder / name)] for name in FEATURES]
    found = answers(sources, ["schema", "--root", str(folder / "new")], *calls)
    return dict(zip(("schema", *FEATURES), found, strict=True))


def test_a_new_file_is_a_new_transform(told: dict[str, Answer], folder: Path) -> None:
    assert told["new"][0] == 0, told["new"][2]
    pipeline = json.loads((folder / "new/generated/tiny/pipeline.json").read_text())
    assert pipeline["features"] == [{"double": {"columns": ["x"]}}]
    assert '"double"' in told["schema"][1]
    assert "did you mean `double`?" in told["misspelt"][2]


def test_without_its_file_a_transform_is_unknown_and_nothing_else_breaks(told: dict[str, Answer]) -> None:
    assert told["other"][0] == 0, told["other"][2]
    assert '"bucket"' not in told["schema"][1]
    assert told["gone"][0] == 1
    assert "there is no transform `bucket`" in told["gone"][2]
