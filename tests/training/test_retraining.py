"""A model that learnt too much or too little is trained again, with more of what it lacks."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from aimass_compiler.catalog.models.decision_tree import DecisionTree
from aimass_compiler.pipeline.evaluation import Evaluation, Gate, OnFailure, Retraining
from aimass_compiler.runtime.examples import write_examples
from training.projects import CHURN, Project


def retraining(attempts: int, *gates: Gate) -> Retraining:
    return Retraining.of(Evaluation(gates=gates, on_failure=OnFailure(retrain=attempts)), "roc_auc")


@pytest.fixture
def noisy(tmp_path: Path) -> Project:
    """Labels that are half chance, so that a deep tree learns them by heart."""
    project = Project.make(tmp_path, CHURN)
    chance = numpy.random.default_rng(1)
    for split in ("train", "validation"):
        x = chance.normal(size=(300, 2)).astype(numpy.float32)
        y = (x[:, 0] + 2 * chance.normal(size=300) > 0).astype(numpy.int64)
        write_examples(project.workspace.folder("features"), split, x, y)
    return project


def test_a_tree_that_learnt_by_heart_is_regularised_until_it_fits(
    noisy: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = DecisionTree(max_depth=None, min_samples_leaf=2)
    noisy.train(tree, retraining=retraining(6, Gate(metric="roc_auc", overfit=0.1)))
    best = noisy.read("best.json")
    verdicts = [attempt["verdict"] for attempt in best["attempts"]]
    assert verdicts[0] == "overfits"
    assert verdicts[-1] == "fits"
    assert best["parameters"]["min_samples_leaf"] >= 8
    assert "training again with more regularization (1 of 6)" in capsys.readouterr().out


def test_a_tree_that_is_too_small_gets_capacity(tmp_path: Path) -> None:
    project = Project.make(tmp_path, CHURN)
    x = numpy.random.default_rng(2).uniform(-1, 1, size=(400, 2)).astype(numpy.float32)
    y = ((x[:, 0] > 0) != (x[:, 1] > 0)).astype(numpy.int64)
    for split in ("train", "validation"):
        write_examples(project.workspace.folder("features"), split, x, y)
    project.train(DecisionTree(max_depth=1), retraining=retraining(4, Gate(metric="roc_auc", min=0.95)))
    best = project.read("best.json")
    assert best["attempts"][0]["more"] == "capacity"
    assert best["attempts"][-1]["verdict"] == "fits"
    assert best["parameters"]["max_depth"] > 1


def test_it_gives_up_after_the_attempts_that_are_allowed(noisy: Project) -> None:
    tree = DecisionTree(max_depth=None, min_samples_leaf=1)
    noisy.train(tree, retraining=retraining(1, Gate(metric="roc_auc", overfit=0.0)))
    assert len(noisy.read("best.json")["attempts"]) == 2


def test_without_attempts_gates_are_no_concern_of_training() -> None:
    without = Evaluation(gates=(Gate(metric="roc_auc", min=0.9),))
    assert Retraining.of(without, "roc_auc") == Retraining()
