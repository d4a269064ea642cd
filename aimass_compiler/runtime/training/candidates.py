"""How each of several models did in a search, beside what a constant prediction reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.catalog.model_choice import ModelChoice
from aimass_compiler.conventions import TRIAL_MODEL
from aimass_compiler.runtime.evaluation.fit import constant_prediction
from aimass_compiler.runtime.evaluation.predictions import Predictions
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.training.trial import measured
from aimass_compiler.runtime.training.trial_folders import Outcome, ranked
from aimass_compiler.runtime.training.trial_log import shown_values

if TYPE_CHECKING:
    from aimass_compiler.runtime.training.trial import Assignment


def compared(assignment: Assignment, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What best.json has of a choice of models: the best trial of each, and the baseline; else nothing."""
    if not isinstance(assignment.model, ModelChoice):
        return {}
    name, value = baseline(assignment)
    return {
        "candidates": [_described(assignment, label, outcomes) for label in assignment.model.labels],
        "baseline": {"name": name, "value": value},
    }


def baseline(assignment: Assignment) -> tuple[str, float | None]:
    """What the shares of the training classes, or the mean, reach on the validation split by the objective.

    None where the metric is not defined there.
    """
    task = assignment.task
    train, rows = (read_examples(assignment.matrices, split) for split in ("train", "validation"))
    of_train = Predictions(numpy.asarray(train.y), numpy.zeros(len(train.y)), train.weights)
    constant = constant_prediction(task, of_train)
    predicted = numpy.broadcast_to(constant, (len(rows.y), *constant.shape)).copy()
    try:
        value = measured(assignment, predicted, rows)
    except ValueError:
        return _name(assignment), None
    return _name(assignment), value


def lines(compared: dict[str, Any], metric: str) -> Iterator[str]:
    """What is said of the comparison, a line for each model."""
    if not compared:
        return
    for each in compared["candidates"]:
        count = f"{each['trials']} trial{'' if each['trials'] == 1 else 's'}"
        if each["value"] is None:
            yield f"{each['model']}: {count}, none of which was trained to its end"
        else:
            values = shown_values(each["parameters"])
            yield f"{each['model']}: {metric} {each['value']:.6g}  {values}  ({count})"
    found = compared["baseline"]
    value = "not defined" if found["value"] is None else f"{found['value']:.6g}"
    yield f"baseline, {found['name']} for every row: {metric} {value}"


def _name(assignment: Assignment) -> str:
    return "the classes' shares" if assignment.task.is_classification else "the mean"


def _described(assignment: Assignment, label: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    own = [outcome for outcome in outcomes if outcome.values[TRIAL_MODEL] == label]
    best = next(iter(ranked(own, greater_is_better=assignment.metric.greater_is_better)), None)
    values = (
        {} if best is None else {name: value for name, value in best.values.items() if name != TRIAL_MODEL}
    )
    return {
        "model": label,
        "trials": len(own),
        "trial": None if best is None else best.id,
        "value": None if best is None else best.value,
        "parameters": values,
    }
