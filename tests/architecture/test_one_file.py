"""One file adds a kind, with all that belongs to it, and takes it away again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness.changed_sources import answers, copied

DOUBLE = '''"""Twice a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression


class Double(EachColumn):
    """Twice a number."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Number,)

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name, learned
        return Arithmetic("multiply", column, Constant(2.0))
'''
CHECK = '''"""A model has an owner."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.checks import Example
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline import Pipeline

NEEDS = ("metadata",)
EXPLANATIONS = (Explanation("AM298", "no one owns the model", "An owner answers for it."),)
EXAMPLES = (Example("AM298", fails="metadata: {owner: null}", passes="metadata: {owner: ann@example.com}"),)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A model without an owner."""
    if not pipeline.metadata.owner:
        message, severity = "no one owns the model", Severity.WARNING
        yield Finding("AM298", ("metadata",), message, help="write `owner`", severity=severity)
'''
COMMAND = '''"""Greet a model."""

from __future__ import annotations

import argparse

from aimass_compiler.exit_codes import ExitCode

EXAMPLES = """
  aimass greet churn                 say hello to it
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name")


def run(arguments: argparse.Namespace) -> int:
    """Greet."""
    print(f"hello, {arguments.model}")
    return ExitCode.DONE
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
Answer = tuple[int, str, str]
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
    """What a copy of the sources, with a file more of each kind and one less, answers to each project."""
    sources = tmp_path_factory.mktemp("src")
    package = copied(sources)
    (package / "catalog/transforms/double.py").write_text(DOUBLE)
    (package / "catalog/transforms/bucket.py").unlink()
    (package / "checks/owner.py").write_text(CHECK)
    commands = package / "cli/commands"
    (commands / "greet.py").write_text(COMMAND)
    order = (commands / "__init__.py").read_text()
    (commands / "__init__.py").write_text(order.replace('"soak")', '"greet", "soak")'))
    calls = {name: ["compile", "--root", str(folder / name)] for name in FEATURES}
    calls["schema"] = ["schema", "--root", str(folder / "new")]
    calls |= {"explained": ["explain", "AM298"], "overview": [], "greeting": ["greet", "churn"]}
    found = answers(sources, [*calls.values()])
    return {name: (code, out, err) for name, (code, out, err) in zip(calls, found, strict=True)}


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


def test_a_new_file_is_a_new_check(told: dict[str, Answer]) -> None:
    assert "warning[AM298]: no one owns the model" in told["new"][2]
    assert told["explained"][0] == 0
    assert "An owner answers for it." in told["explained"][1]


def test_a_new_file_is_a_new_command_where_the_order_has_it(told: dict[str, Answer]) -> None:
    assert told["greeting"] == (0, "hello, churn\n", "")
    overview = told["overview"][2]
    assert overview.index("  greet     greet a model") < overview.index("  soak ")
