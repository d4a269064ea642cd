"""K nearest neighbours: rows at one distance count alike, in the model and in its graph."""

from __future__ import annotations

import numpy
import pytest

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.models.k_nearest_neighbors import KNearestNeighbors
from aimass_compiler.diagnostics import HintedError
from tests.models.examples import TASKS, Watched, budget, examples, served


def answers(model: KNearestNeighbors, rows: Examples, task: str, x: list[list[float]]) -> numpy.ndarray:
    """What the model and its graph say of rows, which must be the same."""
    trained = model.train(TASKS[task], rows, rows, budget(), Watched())
    asked = numpy.array(x, numpy.float32)
    found = trained.predict(asked)
    numpy.testing.assert_allclose(served(trained.to_onnx(), asked), found, atol=1e-6)
    return found


def column(*values: float) -> numpy.ndarray:
    return numpy.array(values, numpy.float32)[:, None]


def test_all_rows_that_are_as_far_away_as_the_last_one_count() -> None:
    rows = Examples(column(0.1, 0.2, 0.2, 0.4, 0.6), numpy.array([1, 1, 0, 0, 0]))
    (scores,) = answers(KNearestNeighbors(neighbors=2), rows, "binary", [[0.3]])  # 0.2, 0.2 and 0.4
    numpy.testing.assert_allclose(scores, [2 / 3, 1 / 3], atol=1e-6)


@pytest.mark.parametrize("weights", ["uniform", "gaussian"])
def test_rows_at_no_distance_answer_alone_where_there_are_enough(weights: str) -> None:
    rows = Examples(column(1, 1, 1, 5), numpy.array([3.0, 4.0, 5.0, 100.0]))
    model = KNearestNeighbors.model_validate({"neighbors": 3, "weights": weights})
    assert answers(model, rows, "regression", [[1.0]]) == pytest.approx([4.0])


def test_gaussian_weights_fall_with_the_distance_and_more_rows_than_there_are_are_all() -> None:
    rows = Examples(column(-1, 2), numpy.array([0.0, 1.0]))
    model = KNearestNeighbors(neighbors=50, weights="gaussian")
    near, far = numpy.exp([-2 * (1 / 2) ** 2, -2])  # from 0, one row is half as far away as the other
    assert answers(model, rows, "regression", [[0.0], [0.5]]) == pytest.approx([far / (near + far), 0.5])


def test_weights_of_rows_count_and_rows_of_no_weight_do_not() -> None:
    rows = Examples(column(0, 0, 0), numpy.array([0, 1, 1]), numpy.array([1.0, 3.0, 0.0]))
    (scores,) = answers(KNearestNeighbors(neighbors=1), rows, "binary", [[0.0]])
    numpy.testing.assert_allclose(scores, [0.25, 0.75], atol=1e-6)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_gaussian_weights_are_the_same_in_the_graph(task: str) -> None:
    rows = examples("k_nearest_neighbors", task, 300, 1)
    asked = examples("k_nearest_neighbors", task, 200, 2).x
    model = KNearestNeighbors(neighbors=9, weights="gaussian")
    trained = model.train(TASKS[task], rows, rows, budget(), Watched())
    found = trained.predict(asked)
    numpy.testing.assert_allclose(served(trained.to_onnx(), asked), found, rtol=1e-6, atol=1e-6)


def test_more_rows_than_an_answer_can_look_at_are_refused() -> None:
    rows = Examples(numpy.zeros((50_001, 1), numpy.float32), numpy.zeros(50_001))
    with pytest.raises(HintedError, match=r"50,001 training rows are too many .*at most 50,000") as raised:
        KNearestNeighbors().train(TASKS["regression"], rows, rows, budget(), Watched())
    assert "choose another model" in raised.value.help
