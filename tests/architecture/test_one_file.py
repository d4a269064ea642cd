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


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the sources that a test may change."""
    shutil.copytree(ROOT / "aimass_compiler", tmp_path / "src" / "aimass_compiler")
    return tmp_path / "src"


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


def answers(sources: Path, *calls: list[str]) -> list[tuple[int, str, str]]:
    """The exit code, output and errors of each call of these sources."""
    environment = os.environ | {"PYTHONPATH": str(sources)}
    command = [sys.executable, "-c", CALLS, json.dumps(calls)]
    done = subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [(code, out, err) for code, out, err in json.loads(done.stdout)]


def project(root: Path, features: str) -> str:
    """A project with one spec of these features."""
    (root / "specs").mkdir(parents=True)
    (root / "specs" / "tiny.yaml").write_text(SPEC.format(features=features))
    return str(root)


def test_a_new_file_is_a_new_transform(sources: Path, tmp_path: Path) -> None:
    (sources / "aimass_compiler/catalog/transforms/double.py").write_text(DOUBLE)
    right = project(tmp_path / "right", "{double: x}")
    wrong = project(tmp_path / "wrong", "{doubel: x}")
    compiled, schema, misspelt = answers(
        sources, ["compile", "--root", right], ["schema", "--root", right], ["compile", "--root", wrong]
    )
    assert compiled[0] == 0, compiled[2]
    pipeline = json.loads((tmp_path / "right/generated/tiny/pipeline.json").read_text())
    assert pipeline["features"] == [{"double": {"columns": ["x"]}}]
    assert '"double"' in schema[1]
    assert "did you mean `double`?" in misspelt[2]


def test_without_its_file_a_transform_is_unknown_and_nothing_else_breaks(
    sources: Path, tmp_path: Path
) -> None:
    (sources / "aimass_compiler/catalog/transforms/bucket.py").unlink()
    right = project(tmp_path / "right", "{standardize: x}")
    wrong = project(tmp_path / "wrong", "{bucket: x}")
    compiled, schema, gone = answers(
        sources, ["compile", "--root", right], ["schema", "--root", right], ["compile", "--root", wrong]
    )
    assert compiled[0] == 0, compiled[2]
    assert '"bucket"' not in schema[1]
    assert gone[0] == 1
    assert "there is no transform `bucket`" in gone[2]
