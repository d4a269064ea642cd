"""A project with one spec, and the command line called in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.cli import main

if TYPE_CHECKING:
    import pytest

SPEC = """\
apiVersion: aimass/v1
kind: Model
metadata:
  name: churn
  owner: growth@example.com
data:
  sources:
    customers: data/customers.csv
  columns:
    age: {type: number, min: 0}
    charges: number
    plan: {type: category, values: [basic, pro]}
    churned: {type: category, values: ["no", "yes"]}
  split: {by: random, train: 0.8}
target: churned
features:
  - clip: {columns: age, min: 10}
  - log: [charges, age]
  - standardize: {type: number}
  - one_hot: plan
model:
  logistic_regression: {max_iter: 500}
objective: {metric: roc_auc}
serving:
  replicas: {min: 2, max: 3}
  limits: {timeout: 3000ms}
environments:
  dev: {serving: {replicas: {min: 1, max: 2}}}
"""


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """A folder in which commands are called."""

    root: Path
    capture: pytest.CaptureFixture[str]

    def aimass(self, *arguments: str) -> Answer:
        """Call the command line here."""
        self.capture.readouterr()
        try:
            code = main(arguments)
        except SystemExit as left:  # argparse leaves so
            code = int(left.code or 0)
        out, err = self.capture.readouterr()
        return Answer(code, out, err)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def edit(self, before: str, after: str, path: str = "specs/churn.yaml") -> None:
        """Replace one part of a file, which must be there once."""
        text = (self.root / path).read_text(encoding="utf-8")
        assert text.count(before) == 1
        self.write(path, text.replace(before, after))

    def files(self) -> dict[str, bytes]:
        """Everything below generated/."""
        folder = self.root / "generated"
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
