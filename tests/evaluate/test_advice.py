"""What is advised about a missed gate follows from the numbers: labels of a rare class need no capacity."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from aimass_compiler.catalog.task import Task
from aimass_compiler.pipeline.evaluation import Evaluation, Gate
from aimass_compiler.runtime.evaluation.advice import advice
from aimass_compiler.runtime.evaluation.fit import judge_fit
from aimass_compiler.runtime.evaluation.gates import judge
from aimass_compiler.runtime.evaluation.measures import Measurements, metrics_named
from aimass_compiler.runtime.evaluation.predictions import Predictions
from evaluate.handmade import ROWS

RARE = Task(kind="classification", target="subscribed", classes=("no", "yes"))


def measurements(
    signal: float, sharpness: float = 1.0, metrics: tuple[str, ...] = ("roc_auc", "recall")
) -> Measurements:
    """4,000 rows a split, 11 % of them `yes`, and what a calibrated model would say, or a sharper one."""
    predictions = {}
    for number, split in enumerate(ROWS):
        chance = numpy.random.default_rng(number)
        logits = signal * chance.normal(size=4000) - 2.1 - signal**2 / 4
        truth = (chance.random(4000) < 1 / (1 + numpy.exp(-logits))).astype(numpy.int64)
        likely = 1 / (1 + numpy.exp(-sharpness * logits))
        scores = numpy.column_stack([1 - likely, likely]).astype(numpy.float32)
        predictions[split] = Predictions(truth, scores)
    return Measurements.of(RARE, metrics_named(metrics), predictions)


def told(found: Measurements, *gates: Gate, objective: str = "roc_auc") -> tuple[str, str]:
    """The verdict and the advice."""
    missed = [judged for judged in judge(gates, found, None) if not judged.passed]
    fit = judge_fit(objective, found, gates)
    return fit.verdict, advice(missed, fit, found, Evaluation(gates=gates))


def test_a_recall_that_a_threshold_would_reach_needs_no_capacity() -> None:
    verdict, sentence = told(measurements(1.0), Gate(metric="recall", min=0.5))
    assert verdict == "fits"
    assert "recall of yes would be 0.5" in sentence
    assert "with precision of yes 0." in sentence
    assert "`decision: {threshold: {recall: 0.5}}` below `evaluation`" in sentence
    assert "give the model more" not in sentence
    assert "underfits" not in sentence


def test_a_model_that_tells_nothing_apart_underfits_whatever_the_threshold() -> None:
    verdict, sentence = told(measurements(0.0), Gate(metric="recall", min=0.5))
    assert verdict == "underfits"
    assert "threshold" not in sentence
    assert sentence.endswith("give the model more capacity")


def test_an_objective_of_labels_is_no_proof_of_underfitting() -> None:
    found = measurements(1.0, metrics=("accuracy", "roc_auc", "recall"))
    verdict, sentence = told(found, Gate(metric="recall", min=0.5), objective="accuracy")
    assert verdict != "underfits"
    assert "capacity" not in sentence.replace("More capacity does not change that", "")


def test_probabilities_that_are_worse_than_guesses_are_told() -> None:
    verdict, sentence = told(measurements(1.0, sharpness=4), Gate(metric="roc_auc", min=0.99))
    assert verdict == "underfits" or "worse than guesses" in sentence
    fit = judge_fit("roc_auc", measurements(1.0, sharpness=4), ())
    assert "its probabilities are worse than guesses: log_loss" in fit.reason
    assert "worse than guesses" not in judge_fit("roc_auc", measurements(1.0), ()).reason


@pytest.mark.parametrize("metric", ["accuracy", "f1", "matthews_corrcoef", "balanced_accuracy"])
def test_what_no_threshold_reaches_is_said_and_needs_no_capacity(metric: str) -> None:
    found: Any = measurements(1.0, metrics=("roc_auc", metric))
    _, sentence = told(found, Gate(metric=metric, min=0.999))
    assert sentence.startswith(f"no threshold brings {metric}")
    assert "capacity" not in sentence


def test_a_threshold_that_was_chosen_is_told_beside_the_one_that_would_do() -> None:
    found = measurements(1.0)
    decided = {split: rows.decided(0.6) for split, rows in found.predictions.items()}
    _, sentence = told(Measurements.of(RARE, found.metrics, decided), Gate(metric="recall", min=0.5))
    assert sentence.startswith("a label is `yes` from a probability of 0.6 on")


def test_only_the_gate_that_was_missed_is_advised_about() -> None:
    found = measurements(1.0)
    met, missed = Gate(metric="recall", min=0.0001, split="train"), Gate(metric="recall", min=0.5)
    _, sentence = told(found, met, missed)
    assert sentence.count("write `decision") == 1
    assert "{recall: 0.5}" in sentence


def test_a_slice_is_no_matter_of_capacity() -> None:
    found = measurements(1.0)
    missed = Gate(metric="recall", min=0.99, slice={"plan": "pro"})
    (judged,) = judge([missed], found, {}, lambda _, __: {"pro": numpy.arange(4000) < 1000})
    sentence = advice([judged], judge_fit("roc_auc", found, [missed]), found, Evaluation(gates=(missed,)))
    assert sentence.startswith("of a slice: ")
    assert "capacity" not in sentence
