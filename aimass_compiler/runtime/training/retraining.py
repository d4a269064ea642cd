"""Whether a trained model learned too much or too little, and what it is given more of to try again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aimass_compiler.runtime.evaluation.decision import chosen
from aimass_compiler.runtime.evaluation.fit import Adjustment, Fit, adjustment, judge_fit
from aimass_compiler.runtime.evaluation.measures import Measurements, metrics_named
from aimass_compiler.runtime.evaluation.predictions import Predictions, scores_of
from aimass_compiler.runtime.examples import read_examples

if TYPE_CHECKING:
    from aimass_compiler.pipeline.evaluation import Retraining
    from aimass_compiler.runtime.training.trial import Assignment, Fitted

_SPLITS = ("train", "validation")


@dataclass(frozen=True)
class Attempt:
    """One training of the model, and what came of it."""

    assignment: Assignment
    fit: Fit
    value: float
    more: Adjustment | None
    """What the next attempt gets more of."""


def judged(assignment: Assignment, fitted: Fitted, retraining: Retraining) -> Attempt:
    """The attempt with its verdict; the test split is not looked at, it is for the gates."""
    task, objective = assignment.task, assignment.objective
    names = dict.fromkeys((objective.metric, *(gate.metric for gate in retraining.gates)))
    examples = {split: read_examples(assignment.matrices, split) for split in _SPLITS}
    predictions = {
        split: Predictions(rows.y, scores_of(fitted.trained.predict, rows.x), rows.weights, rows.series)
        for split, rows in examples.items()
    }
    if retraining.decision is not None:
        threshold = chosen(retraining.decision, task, predictions["validation"]).threshold
        predictions = {split: rows.decided(threshold) for split, rows in predictions.items()}
    fit = judge_fit(
        objective.metric, Measurements.of(task, metrics_named(names), predictions), retraining.gates
    )
    return Attempt(assignment, fit, fitted.value, adjustment(fit, retraining.adjust))


def adjusted(attempt: Attempt) -> Assignment | None:
    """The next assignment, or None when nothing is to be changed or no more can be given."""
    if attempt.more is None:
        return None
    model = attempt.assignment.model.adjusted(attempt.more)
    return None if model == attempt.assignment.model else replace(attempt.assignment, model=model)


def best_of(attempts: Sequence[Attempt]) -> int:
    """The place of the attempt to keep: one that fits before one that does not, then by the objective."""
    sign = 1 if attempts[0].assignment.metric.greater_is_better else -1
    return max(
        range(len(attempts)),
        key=lambda place: (attempts[place].fit.verdict == "fits", sign * attempts[place].value),
    )
