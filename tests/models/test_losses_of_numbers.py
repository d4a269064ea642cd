"""Quantiles divide the rows as they say, and what is never below zero is predicted above it, in any unit."""

from __future__ import annotations

import numpy
import pytest

from aimass_compiler.catalog import names
from aimass_compiler.catalog.examples import Examples, Matrix
from aimass_compiler.catalog.loss import GAMMA, LOG_LINK, PINBALL, POISSON, TWEEDIE
from aimass_compiler.catalog.metrics.mean_poisson_deviance import MeanPoissonDeviance
from aimass_compiler.catalog.task import Task
from tests.models.examples import TASKS, Watched, budget, kind_of, served, small

WITH_LOSS = [
    (name, loss)
    for name in names("models")
    for loss in (GAMMA, PINBALL, POISSON, TWEEDIE)
    if loss in kind_of(name).losses.get("regression", ()) and isinstance(kind_of(name).examples, Matrix)
]
OF_QUANTILES = [name for name, loss in WITH_LOSS if loss == PINBALL]
OF_LOGARITHMS = [(name, loss) for name, loss in WITH_LOSS if loss in LOG_LINK]


def counts(rows: int, seed: int, unit: float = 1.0) -> Examples:
    """Counts (with 1 added, so that none is 0) whose mean doubles with the first feature."""
    chance = numpy.random.default_rng(seed)
    x = chance.normal(size=(rows, 4)).astype(numpy.float32)
    return Examples(x, unit * (1 + chance.poisson(numpy.exp(0.7 * x[:, 0] + 1))))


@pytest.mark.parametrize("level", [0.1, 0.8])
@pytest.mark.parametrize("name", OF_QUANTILES)
def test_so_many_rows_are_below_the_quantile(name: str, level: float) -> None:
    train, validation = counts(800, 1), counts(400, 2)
    task = Task(kind="regression", target="y", quantile=level)
    trained = small(name).train(task, train, validation, budget(loss=PINBALL), Watched())
    found = served(trained.to_onnx(), validation.x)
    assert (validation.y < found - 1e-6).mean() - 0.08 < level < (validation.y <= found + 1e-6).mean() + 0.08


@pytest.mark.parametrize(("name", "loss"), OF_LOGARITHMS)
def test_what_is_never_below_zero_is_predicted_above_it_in_any_unit(name: str, loss: str) -> None:
    validation, task = counts(400, 2), TASKS["regression"]
    scores = {}
    for unit in (1.0, 1e-20, 1e25):
        parts = (counts(800, 1, unit), counts(400, 2, unit))
        trained = small(name).train(task, *parts, budget(loss=loss), Watched())
        scores[unit] = served(trained.to_onnx(), validation.x) / unit
        numpy.testing.assert_allclose(scores[unit], trained.predict(validation.x) / unit, rtol=1e-5)
        assert numpy.abs(scores[unit] / scores[1.0] - 1).mean() < 0.01
    mean = numpy.full(400, counts(800, 1).y.mean())
    measure = MeanPoissonDeviance().measure
    assert measure(task, validation.y, scores[1.0]) < 0.8 * measure(task, validation.y, mean)


def test_a_generalized_linear_model_finds_what_made_the_rows() -> None:
    train = counts(5000, 1)
    rows = Examples(train.x, train.y - 1)
    model = kind_of("generalized_linear")(l2=0.0)
    trained = model.train(TASKS["regression"], rows, rows, budget(), Watched())
    assert trained.estimator.coef_ == pytest.approx([0.7, 0, 0, 0], abs=0.03)
    assert trained.estimator.intercept_ == pytest.approx(1, abs=0.03)
