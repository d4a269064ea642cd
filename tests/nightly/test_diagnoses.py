"""Candidates that learned too much, too little, by chance, or from broken rows, each really trained."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from pipeline.projects import SPEC, Project, customers
from pipeline.watched import Watched

from aimass_compiler.cli.views.candidate import as_markdown
from tests.harness import github_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.pipeline
_MODEL = "  logistic_regression: {l2: 1.0}\n"
Rows = list[list[str]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A released model, of which nothing is wrong."""
    project = Project.make(tmp_path_factory.mktemp("diagnosed") / "clone")
    assert project.aimass("run", "churn").code == 0
    with github_service.running() as github, pytest.MonkeyPatch.context() as patch:
        yield Watched.released(project, "http://127.0.0.1:9", github, patch)


def either(rows: Rows) -> Rows:
    """Who leaves is old or pays much, and not both: no weighted sum says it."""
    return [[*row[:3], "yes" if (float(row[0]) > 49) != (float(row[1]) > 55) else "no"] for row in rows]


def dearer(rows: Rows) -> Rows:
    """Charges are in cents now."""
    return [[row[0], str(float(row[1]) * 100), *row[2:]] for row in rows]


def shuffled(rows: Rows) -> Rows:
    """The target is that of other rows."""
    targets = [row[3] for row in rows]
    random.Random(5).shuffle(targets)  # noqa: S311  # rows, no secrets
    return [[*row[:3], target] for row, target in zip(rows, targets, strict=True)]


@pytest.mark.parametrize(
    ("model", "evaluation", "rows", "changed", "kind", "evidence"),
    [
        ("  decision_tree: {max_depth: 20, min_samples_leaf: 1}\n", "", 1000, list, "overfits", "train"),
        (_MODEL, "", 3000, either, "underfits", "roc_auc"),
        (_MODEL, "  cross_validation: {folds: 5}\n", 80, list, "unstable", "over the folds is"),
        (_MODEL, "", 300, dearer, "broken data", "`charges` lies apart from what it was"),
        (_MODEL, "", 1000, shuffled, "broken data", "the released model, too, is no better than a guess"),
    ],
    ids=["overfits", "underfits", "unstable", "another-unit", "wrong-target"],
)
def test_each_is_told_by_its_evidence(
    watched: Watched,
    model: str,
    evaluation: str,
    rows: int,
    changed: Callable[[Rows], Rows],
    kind: str,
    evidence: str,
) -> None:
    watched.forget()
    spec = SPEC.replace(_MODEL, model).replace("evaluation:\n", f"evaluation:\n{evaluation}")
    watched.project.write("specs/churn.yaml", spec)
    head, *lines = customers(rows, seed=11).split()
    made = changed([line.split(",") for line in lines])
    watched.project.write("data/customers.csv", "\n".join([head, *map(",".join, made)]) + "\n")
    watched.retrain("--now")
    known = watched.document("candidate.json")
    assert kind in [each["kind"] for each in known["diagnosis"]], known["diagnosis"]
    assert any(evidence in each["evidence"] for each in known["diagnosis"] if each["kind"] == kind)
    assert f"- **{kind}**: " in as_markdown(known)
