"""Whether a model learned too much, too little or enough, and what to change.

The rule works on skill: 0 is what guessing reaches (the shares of the training classes, or the mean
of the training target), 1 is what the truth itself would reach, so one rule suits every metric
(Murphy 1988, https://doi.org/10.1175/1520-0493(1988)116%3C2417:SSBOTM%3E2.0.CO;2). In this order:

1. A skill below 0.05 on the training split underfits.
2. A training split that is better than the validation split by more than an `overfit` gate allows
   overfits; without such a gate, by more than 0.1 of skill, or than 2 / √rows where the validation
   split has so few rows that chance alone moves the skill by more.
3. A training split that itself misses a `min` or `max` gate underfits, unless its labels would meet it
   with another threshold on probabilities that tell the rows apart.
4. Everything else fits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy

from aimass_compiler.runtime.evaluation.measures import finite, metrics_named, shown
from aimass_compiler.runtime.evaluation.thresholds import separates_classes, threshold_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.evaluation import Gate
    from aimass_compiler.runtime.evaluation.measures import Measurements
    from aimass_compiler.runtime.evaluation.predictions import Predictions

Verdict = Literal["overfits", "underfits", "fits", "unknown"]
Adjustment = Literal["regularization", "capacity"]

_LEAST_SKILL = 0.05
_LARGEST_FALL = 0.1
_STANDARD_ERRORS = 2.0
_ADJUSTMENTS: dict[Verdict, Adjustment] = {"overfits": "regularization", "underfits": "capacity"}


@dataclass(frozen=True)
class Fit:
    """The verdict and the numbers behind it, all of the objective's metric."""

    verdict: Verdict
    reason: str
    metric: str
    train: float | None
    validation: float | None
    baseline: float | None
    """What guessing reaches on the validation split."""
    train_skill: float | None
    validation_skill: float | None


def adjustment(fit: Fit, allowed: Sequence[str]) -> Adjustment | None:
    """What to give more of when training is tried again, or None where nothing is to be changed."""
    wanted = _ADJUSTMENTS.get(fit.verdict)
    return wanted if wanted in allowed else None


def judge_fit(metric: str, measurements: Measurements, gates: Sequence[Gate]) -> Fit:
    """The verdict by the objective's metric and the gates; without a target there is no truth to fit."""
    if not measurements.task.has_target:
        return _without_truth(metric, measurements)
    if measurements.task.is_written:
        return _of_texts(metric, measurements, gates)
    guess = constant_prediction(measurements.task, measurements.predictions["train"])
    train = _skill(metric, measurements, "train", guess)
    validation = _skill(metric, measurements, "validation", guess)
    verdict, reason = next(_verdicts(metric, measurements, train, validation, gates))
    return Fit(
        verdict=verdict,
        reason=reason,
        metric=metric,
        train=train.value,
        validation=validation.value,
        baseline=validation.baseline,
        train_skill=train.skill,
        validation_skill=validation.skill,
    )


def _without_truth(metric: str, measurements: Measurements) -> Fit:
    train, validation = (measurements.measured[split][metric] for split in ("train", "validation"))
    reason = f"{_on_both(metric, measurements)}; there is no target that it could be held against"
    return Fit("unknown", reason, metric, train, validation, None, None, None)


def _of_texts(metric: str, measurements: Measurements, gates: Sequence[Gate]) -> Fit:
    """The verdict on written answers: by gates alone, because nobody knows what guessing a text reaches."""
    train, validation = (measurements.measured[split][metric] for split in ("train", "validation"))
    verdict, reason = next(_by_gates(measurements, gates), ("fits", _on_both(metric, measurements)))
    return Fit(verdict, reason, metric, train, validation, None, None, None)


@dataclass(frozen=True)
class _Skill:
    """A metric on one split, beside what guessing reaches there."""

    value: float | None
    baseline: float | None
    skill: float | None


def _skill(metric: str, measurements: Measurements, split: str, guess: NDArray[numpy.floating]) -> _Skill:
    task, rows = measurements.task, measurements.predictions[split]
    value = measurements.measured[split][metric]
    guessed = rows.scored(numpy.broadcast_to(guess, (len(rows.truth), *guess.shape)).copy())
    baseline = finite(guessed.measured(measurements.metrics[metric], task))
    perfect = finite(rows.scored(_perfect(task, rows.truth)).measured(measurements.metrics[metric], task))
    if value is None or baseline is None or perfect is None or perfect == baseline:
        return _Skill(value, baseline, None)
    return _Skill(value, baseline, (value - baseline) / (perfect - baseline))


def constant_prediction(task: Task, rows: Predictions) -> NDArray[numpy.floating]:
    """What guessing answers to every row: the shares of the classes, [K], or the mean, [], of these rows."""
    if not task.is_classification:
        return numpy.asarray(numpy.average(rows.truth, weights=rows.weights), numpy.float64)
    return numpy.array([rows.share_of(task, number) for number in range(task.outputs)], numpy.float32)


def _perfect(task: Task, truth: NDArray[numpy.generic]) -> NDArray[numpy.floating]:
    if not task.is_classification:
        return truth.astype(numpy.float64)
    return task.as_scores(truth.astype(numpy.int64))


def _verdicts(
    metric: str, measurements: Measurements, train: _Skill, validation: _Skill, gates: Sequence[Gate]
) -> Iterator[tuple[Verdict, str]]:
    """What the rule finds, in its order."""
    if train.skill is None or validation.skill is None or train.baseline is None:
        yield "unknown", f"{metric} cannot be compared between the train and the validation split"
        return
    if train.skill < _LEAST_SKILL and not _is_of_threshold(metric, measurements):
        yield (
            "underfits",
            f"{_on_train(metric, measurements)}, where guessing reaches {shown(train.baseline)}",
        )
    judged = list(_by_gates(measurements, gates))
    yield from (each for each in judged if each[0] == "overfits")
    has_gate = any(gate.overfit is not None for gate in gates)
    if not has_gate and train.skill - validation.skill > _largest_fall(measurements):
        fall = f"its skill falls from {train.skill:.2f} to {validation.skill:.2f}"
        yield "overfits", f"{_on_both(metric, measurements)}: {fall}"
    yield from (each for each in judged if each[0] == "underfits")
    doubt = _doubt(measurements)
    yield "fits", f"{_on_both(metric, measurements)}, where guessing reaches {shown(train.baseline)}{doubt}"


def _by_gates(measurements: Measurements, gates: Sequence[Gate]) -> Iterator[tuple[Verdict, str]]:
    """What gates find: first how far the splits are apart, then what training itself does not reach."""
    allowed = {
        gate.metric: gate.overfit
        for gate in sorted(gates, key=lambda gate: gate.overfit or 0.0, reverse=True)  # the strictest stays
        if gate.overfit is not None
    }
    for name, most in allowed.items():
        if (measurements.gap(name) or 0.0) > most:
            yield "overfits", f"{_on_both(name, measurements)}, further apart than the {most:g} allowed"
    for gate in gates:
        limit = _missed_in_training(gate, measurements)
        if limit is not None and not _meets_elsewhere(gate, measurements):
            yield "underfits", f"even {_on_train(gate.metric, measurements)}, and its gate asks for {limit:g}"


def _meets_elsewhere(gate: Gate, measurements: Measurements) -> bool:
    metric, rows = measurements.metrics[gate.metric], measurements.predictions["train"]
    return threshold_for(gate, metric, measurements.task, rows) is not None


def _is_of_threshold(metric: str, measurements: Measurements) -> bool:
    """Whether the labels are no better than guesses although the probabilities tell the rows apart."""
    is_of_labels = measurements.metrics[metric].is_of_labels
    return is_of_labels and separates_classes(measurements.task, measurements.predictions["train"])


def _doubt(measurements: Measurements) -> str:
    """That the probabilities are worse than the classes' shares, which ranking the rows does not show."""
    task = measurements.task
    if not task.is_classification or task.is_multilabel:
        return ""
    train, rows = measurements.predictions["train"], measurements.predictions["validation"]
    (log_loss,) = metrics_named(["log_loss"]).values()
    found = finite(rows.measured(log_loss, measurements.task))
    guess = numpy.broadcast_to(constant_prediction(measurements.task, train), rows.scores.shape).copy()
    guessed = finite(rows.scored(guess).measured(log_loss, measurements.task))
    if found is None or guessed is None or found <= guessed:
        return ""
    return (
        f"; but its probabilities are worse than guesses: log_loss on the validation split is "
        f"{shown(found)}, and the classes' shares alone have {shown(guessed)}; `training.calibration` "
        "calibrates them"
    )


def _largest_fall(measurements: Measurements) -> float:
    rows = len(measurements.predictions["validation"].truth)
    return max(_LARGEST_FALL, _STANDARD_ERRORS / math.sqrt(rows))


def _on_train(metric: str, measurements: Measurements) -> str:
    return f"on the train split {metric} is {_shown(measurements.measured['train'][metric])}"


def _on_both(metric: str, measurements: Measurements) -> str:
    validation = _shown(measurements.measured["validation"][metric])
    return f"{_on_train(metric, measurements)}, on the validation split {validation}"


def _shown(value: float | None) -> str:
    return "not defined" if value is None else shown(value)


def _missed_in_training(gate: Gate, measurements: Measurements) -> float | None:
    """The limit that the model does not even keep on the rows that it has seen."""
    value = measurements.measured["train"][gate.metric]
    if value is None or gate.slice is not None:
        return None
    if gate.min is not None and value < gate.min:
        return gate.min
    return gate.max if gate.max is not None and value > gate.max else None
