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


def aimass(sources: Path, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = os.environ | {"PYTHONPATH": str(sources)}
    command = [sys.executable, "-c", code, *arguments, "--root", str(root)]
    return subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True, check=False)


def project(root: Path, features: str) -> Path:
    (root / "specs").mkdir(parents=True, exist_ok=True)
    (root / "specs" / "tiny.yaml").write_text(SPEC.format(features=features))
    return root


def test_a_new_file_is_a_new_transform(sources: Path, tmp_path: Path) -> None:
    (sources / "aimass_compiler/catalog/transforms/double.py").write_text(DOUBLE)
    root = project(tmp_path / "project", "{double: x}")
    done = aimass(sources, root, "compile")
    assert done.returncode == 0, done.stderr
    pipeline = json.loads((root / "generated/tiny/pipeline.json").read_text())
    assert pipeline["features"] == [{"double": {"columns": ["x"]}}]
    assert '"double"' in aimass(sources, root, "schema").stdout
    misspelt = aimass(sources, project(root, "{doubel: x}"), "compile")
    assert "did you mean `double`?" in misspelt.stderr


def test_without_its_file_a_transform_is_unknown_and_nothing_else_breaks(
    sources: Path, tmp_path: Path
) -> None:
    (sources / "aimass_compiler/catalog/transforms/bucket.py").unlink()
    done = aimass(sources, project(tmp_path / "project", "{standardize: x}"), "compile")
    assert done.returncode == 0, done.stderr
    assert '"bucket"' not in aimass(sources, tmp_path / "project", "schema").stdout
    gone = aimass(sources, project(tmp_path / "project", "{bucket: x}"), "compile")
    assert gone.returncode == 1
    assert "there is no transform `bucket`" in gone.stderr
