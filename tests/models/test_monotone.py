"""A prediction that is held to a direction keeps it, in the graph that serves as well."""

from __future__ import annotations

import numpy
import pytest

from aimass_compiler.catalog import names
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.monotone_model import MonotoneModel
from aimass_compiler.catalog.task import Task
from tests.models.examples import TASKS, Watched, budget, kind_of, served

HELD = [name for name in names("models") if issubclass(kind_of(name), MonotoneModel)]
TASKS_HELD = {
    "number": TASKS["regression"],
    "last class": TASKS["binary"],
    "first class": Task(kind="classification", target="y", classes=("no", "yes"), positive="no"),
}


@pytest.mark.parametrize("direction", ["increasing", "decreasing"])
@pytest.mark.parametrize("task", TASKS_HELD.values(), ids=TASKS_HELD)
@pytest.mark.parametrize("name", HELD)
def test_a_prediction_keeps_its_direction(name: str, task: Task, direction: str) -> None:
    chance = numpy.random.default_rng(1)
    x = chance.normal(size=(600, 2)).astype(numpy.float32)
    signal = numpy.sin(3 * x[:, 0]) + x[:, 1] + 0.1 * chance.normal(size=600)
    rows = Examples(x, (signal > 0).astype(numpy.int64) if task.is_classification else signal)
    line = numpy.column_stack([numpy.linspace(-3, 3, 300), numpy.zeros(300)]).astype(numpy.float32)
    steps = {}
    for held in ({}, {"wave": direction}):
        model = kind_of(name).model_validate({"n_estimators": 30, "monotone": held})
        trained = model.train(task, rows, rows, budget(features=("wave", "slope")), Watched())
        scores = served(trained.to_onnx(), line)
        one = scores[:, task.judged[0]] if task.is_classification else scores
        steps[len(held)] = numpy.diff(one) * (1 if direction == "increasing" else -1)
    assert steps[0].min() < -1e-3
    assert steps[1].min() > -1e-6
