"""Trees divide between the values that they learnt from, and a rounded value stays on its side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks import _thresholds
from aimass_compiler.catalog.frameworks._thresholds import spaced
from tests.models.examples import CASES, TASKS, Watched, budget, examples, kind_of, served, small

if TYPE_CHECKING:
    from collections.abc import Callable

    from aimass_compiler.catalog.model import Trained

TREES = [(name, task) for name, task in CASES if kind_of(name).ignores_scale]
single = st.floats(width=32, allow_nan=True, allow_infinity=False)
columns = st.lists(single | st.sampled_from([0.0, -0.0, 1e-45, -1e-45, 3e38, -3e38, 0.1, 0.2]), min_size=1)


def is_left(values: numpy.ndarray, threshold: float, equal: str) -> numpy.ndarray:
    return values < threshold if equal == "above" else values <= threshold


@pytest.mark.parametrize("equal", ["above", "below"])
@given(column=columns, others=st.lists(single))
def test_every_value_stays_on_its_side(equal: Any, column: list[float], others: list[float]) -> None:
    rows = numpy.array(column, numpy.float32)[:, None]
    known = numpy.array([value for value in (*column, *others) if numpy.isfinite(value)], numpy.float32)
    if not len(known):
        return
    moved = spaced(numpy.zeros(len(known), numpy.int64), known, [rows[::2], rows[1::2]], equal=equal)
    for before, after in zip(known, moved, strict=True):
        numpy.testing.assert_array_equal(is_left(rows, before, equal), is_left(rows, after, equal))
        assert after == numpy.float32(after)


def test_a_threshold_is_in_the_gap_of_all_rows_not_of_one_node() -> None:
    rows = numpy.array([[0.125], [0.5], [0.875], [numpy.nan]], numpy.float32)
    known = numpy.array([0.5, 0.125, 1.0])
    above = spaced(numpy.zeros(3, numpy.int64), known, [rows], equal="above")
    below = spaced(numpy.zeros(3, numpy.int64), known, [rows], equal="below")
    golden = 0.618034
    numpy.testing.assert_allclose(above, [0.125 + 0.375 * golden, 0.125, 1.0], rtol=1e-6)
    numpy.testing.assert_allclose(below, [0.5 + 0.375 * golden, 0.125 + 0.375 * golden, 1.0], rtol=1e-6)


def test_neighbours_without_a_number_between_them_are_still_told_apart() -> None:
    low = numpy.float32(16_777_216)
    high = numpy.nextafter(low, numpy.float32(numpy.inf))
    rows = numpy.array([[low], [high]])
    assert spaced(numpy.array([0]), numpy.array([high]), [rows], equal="above") == high
    assert spaced(numpy.array([0]), numpy.array([(low + high) / 2]), [rows], equal="below") == low


def numbers_of(kind: str, rows: int, seed: int) -> numpy.ndarray:
    """Five columns of one kind of number, as float64; the first three decide."""
    chance = numpy.random.default_rng(seed)
    normal = chance.normal(size=(rows, 5))
    if kind == "decimals":
        return normal.round(2)
    if kind == "ties":
        return chance.choice([-0.1, -0.0, 0.0, 0.3], size=(rows, 5))
    if kind == "huge":
        return normal.round(2) * 1e30
    if kind == "denormal":
        return normal.round(2) * 1e-40
    one_value = normal.round(1)
    one_value[:, 4] = 0.7
    return one_value


def standardized(x: numpy.ndarray, like: numpy.ndarray) -> numpy.ndarray:
    return (x - like.mean(axis=0)) * (1 / numpy.where(like.std(axis=0) > 0, like.std(axis=0), 1))


def trained(name: str, task: str, x: numpy.ndarray, validation: numpy.ndarray) -> Trained:
    def with_target(rows: numpy.ndarray) -> Examples:
        places = numpy.argsort(numpy.argsort(rows[:, :3].astype(numpy.float64).sum(axis=1), kind="stable"))
        if task == "regression":
            return Examples(rows, (places / len(rows)).astype(numpy.float32))
        return Examples(rows, (places * TASKS[task].outputs // len(rows)).astype(numpy.int64))

    model = kind_of(name).model_validate({"n_estimators": 12} if name != "decision_tree" else {})
    return model.train(TASKS[task], with_target(x), with_target(validation), budget(), Watched())


@pytest.mark.parametrize("kind", ["decimals", "ties", "huge", "denormal", "one value"])
@pytest.mark.parametrize(("name", "task"), TREES)
def test_numbers_rounded_to_float32_are_answered_alike(name: str, task: str, kind: str) -> None:
    train, validation, test = (numbers_of(kind, rows, rows) for rows in (600, 200, 201))
    features: list[Callable[[numpy.ndarray], numpy.ndarray]] = [lambda x: x]
    if kind not in ("huge", "denormal"):
        features.append(lambda x: standardized(x, train))
    for compute in features:
        model = trained(name, task, *(compute(x).astype(numpy.float32) for x in (train, validation)))
        graph = model.to_onnx()
        for rows in (train, validation, test):
            exact = compute(rows).astype(numpy.float32)
            rounded = compute(rows.astype(numpy.float32).astype(numpy.float64)).astype(numpy.float32)
            numpy.testing.assert_array_equal(served(graph, exact), served(graph, rounded))
            numpy.testing.assert_array_equal(model.predict(exact), model.predict(rounded))


@pytest.mark.parametrize(("name", "task"), TREES)
def test_thresholds_move_past_no_row_that_was_seen(
    name: str, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, watched = examples(name, task, 400, 1), examples(name, task, 200, 2)
    if kind_of(name).accepts_missing:
        seen.x[::7, 1] = numpy.nan
    model = small(name)
    moved = model.train(TASKS[task], seen, watched, budget(), Watched())
    monkeypatch.setattr(_thresholds, "spaced", lambda _features, thresholds, *_parts, **_equal: thresholds)
    left = model.train(TASKS[task], seen, watched, budget(), Watched())
    for rows in (seen.x, watched.x):
        numpy.testing.assert_array_equal(moved.predict(rows), left.predict(rows))
