"""What is advised about a missed gate follows from the numbers: labels of a rare class need no capacity."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from aimass_compiler.pipeline.evaluation import Evaluation, Gate
from aimass_compiler.runtime.evaluation.advice import advice
from aimass_compiler.runtime.evaluation.fit import judge_fit
from aimass_compiler.runtime.evaluation.gates import judge
from aimass_compiler.runtime.evaluation.measures import Evidence, metrics_named
from aimass_compiler.runtime.evaluation.predictions import Predictions
from aimass_compiler.task import Task
from evaluate.handmade import ROWS

RARE = Task(kind="classification", target="subscribed", classes=("no", "yes"))


def evidence(
    signal: float, sharpness: float = 1.0, metrics: tuple[str, ...] = ("roc_auc", "recall")
) -> Evidence:
    """4,000 rows a split, 11 % of them `yes`, and what a calibrated model would say, or a sharper one."""
    predictions = {}
    for number, split in enumerate(ROWS):
        chance = numpy.random.default_rng(number)
        logits = signal * chance.normal(size=4000) - 2.1 - signal**2 / 4
        truth = (chance.random(4000) < 1 / (1 + numpy.exp(-logits))).astype(numpy.int64)
        likely = 1 / (1 + numpy.exp(-sharpness * logits))
        scores = numpy.column_stack([1 - likely, likely]).astype(numpy.float32)
        predictions[split] = Predictions(truth, scores)
    return Evidence.of(RARE, metrics_named(metrics), predictions)


def told(found: Evidence, *gates: Gate, objective: str = "roc_auc") -> tuple[str, str]:
    """The verdict and the advice."""
    missed = [judged for judged in judge(gates, found, None) if not judged.passed]
    fit = judge_fit(objective, found, gates)
    return fit.verdict, advice(missed, fit, found, Evaluation(gates=gates))


def test_a_recall_that_a_threshold_would_reach_needs_no_capacity() -> None:
    verdict, sentence = told(evidence(1.0), Gate(metric="recall", min=0.5))
    assert verdict == "fits"
    assert "recall of yes would be 0.5" in sentence
    assert "with precision of yes 0." in sentence
    assert "give the model more" not in sentence
    assert "underfits" not in sentence


def test_a_model_that_tells_nothing_apart_underfits_whatever_the_threshold() -> None:
    verdict, sentence = told(evidence(0.0), Gate(metric="recall", min=0.5))
    assert verdict == "underfits"
    assert "threshold" not in sentence
    assert sentence.endswith("give the model more capacity")


def test_an_objective_of_labels_is_no_proof_of_underfitting() -> None:
    found = evidence(1.0, metrics=("accuracy", "roc_auc", "recall"))
    verdict, sentence = told(found, Gate(metric="recall", min=0.5), objective="accuracy")
    assert verdict != "underfits"
    assert "capacity" not in sentence.replace("More capacity does not change that", "")


def test_probabilities_that_are_worse_than_guesses_are_told() -> None:
    verdict, sentence = told(evidence(1.0, sharpness=4), Gate(metric="roc_auc", min=0.99))
    assert verdict == "underfits" or "worse than guesses" in sentence
    fit = judge_fit("roc_auc", evidence(1.0, sharpness=4), ())
    assert "its probabilities are worse than guesses: log_loss" in fit.reason
    assert "worse than guesses" not in judge_fit("roc_auc", evidence(1.0), ()).reason


@pytest.mark.parametrize("metric", ["accuracy", "f1", "matthews_corrcoef", "balanced_accuracy", "precision"])
def test_no_threshold_is_told_that_would_not_meet_the_gate(metric: str) -> None:
    found: Any = evidence(1.0, metrics=("roc_auc", metric))
    _, sentence = told(found, Gate(metric=metric, min=0.999))
    assert "With a threshold of" not in sentence or metric == "precision"
