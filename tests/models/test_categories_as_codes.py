"""A model learns the same from categories as codes as from the same rows as float32."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from aimass_compiler.catalog import feature_matrix
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.feature_matrix import Block, FeatureMatrix, layout_of
from aimass_compiler.catalog.frameworks import xgboost
from aimass_compiler.catalog.models.linear_regression import LinearRegression
from aimass_compiler.catalog.models.logistic_regression import LogisticRegression
from aimass_compiler.catalog.models.naive_bayes import NaiveBayes
from tests.models.examples import CASES, SHAPES, TASKS, Watched, budget, kind_of, served, small

NUMBERS, LEVELS = 3, (30, 12)
LAYOUT = layout_of([Block("numbers", 2), Block("levels", 30), Block("numbers", 1), Block("levels", 12)])
OF_TABLES = [(name, task) for name, task in CASES if SHAPES[kind_of(name).examples.column] == SHAPES[None]]
#: Of forests, whose sums of numbers are added in another order.
LOOSE = {"extra_trees": 0.2, "random_forest": 0.2}


def coded(task: str, rows: int, seed: int) -> Examples:
    """Numbers, one of them far from zero, beside two categories, of which some rows have no level."""
    chance = numpy.random.default_rng(seed)
    kept = numpy.zeros(rows, LAYOUT.dtype)
    kept["numbers"] = chance.normal([0, 3, 0], size=(rows, NUMBERS)).round(1)
    kept["codes"] = numpy.column_stack([chance.integers(-1, levels, rows) for levels in LEVELS])
    signal = kept["numbers"][:, 0] + 1.5 * numpy.sin(kept["codes"][:, 0]) + 0.5 * chance.normal(size=rows)
    if task == "regression":
        return Examples(FeatureMatrix(LAYOUT, kept), 1000 * signal + 50_000)
    bounds = [0.0] if task == "binary" else [-0.7, 0.7]
    return Examples(FeatureMatrix(LAYOUT, kept), numpy.digitize(signal, bounds).astype(numpy.int64))


def dense(examples: Examples) -> Examples:
    return Examples(numpy.array(examples.x[:]), examples.y, examples.weights)


def trained(model: Any, task: str, train: Examples, validation: Examples) -> Any:
    return model.train(TASKS[task], train, validation, budget(), Watched())


@pytest.mark.parametrize(("name", "task"), OF_TABLES)
def test_codes_teach_what_one_hots_teach(name: str, task: str) -> None:
    train, validation = coded(task, 1500, 1), coded(task, 400, 2)
    model = small(name)
    found = trained(model, task, train, validation)
    expected = trained(model, task, dense(train), dense(validation))
    x = dense(validation).x
    scores = expected.predict(x)
    unit = numpy.ptp(scores) if task == "regression" else 1
    numpy.testing.assert_allclose(found.predict(x), scores, rtol=0, atol=LOOSE.get(name, 2e-3) * unit)
    if not model.learns_in_epochs:  # whose graph takes long to make, and knows of no codes
        answers = served(found.to_onnx(), x)
        numpy.testing.assert_allclose(answers, found.predict(x), rtol=0, atol=1e-5 * unit)


@pytest.mark.parametrize(
    ("model", "task"), [(LinearRegression(l2=3.0), "regression"), (NaiveBayes(), "binary")]
)
def test_weights_teach_codes_what_they_teach_one_hots(model: Any, task: str) -> None:
    train = coded(task, 800, 1)
    train = Examples(train.x, train.y, numpy.random.default_rng(3).uniform(0, 5, len(train.y)))
    found = trained(model, task, train, train).predict(dense(train).x)
    expected = trained(model, task, dense(train), train).predict(dense(train).x)
    unweighted = trained(model, task, Examples(train.x, train.y), train).predict(dense(train).x)
    unit = numpy.ptp(expected) if task == "regression" else 1
    numpy.testing.assert_allclose(found, expected, rtol=0, atol=5e-3 * unit)
    assert numpy.abs(unweighted - expected).max() > 2e-2 * unit


@pytest.mark.parametrize("model", [LinearRegression(l1=5.0), LinearRegression(l2=0.0)])
def test_a_regression_leaves_no_larger_errors_whatever_unit_a_feature_has(model: LinearRegression) -> None:
    train = coded("regression", 1500, 1)
    train.x.rows["numbers"][:, 1] *= 1e5
    rows = dense(train)
    found = trained(model, "regression", train, train).predict(rows.x)
    expected = trained(model, "regression", rows, train).predict(rows.x)
    assert numpy.square(found - train.y).sum() < 1.0001 * numpy.square(expected - train.y).sum()


def test_lasso_finds_the_same_classes() -> None:
    train = coded("binary", 800, 1)
    model = LogisticRegression(l1=1.0)
    found = trained(model, "binary", train, train).predict(dense(train).x)
    expected = trained(model, "binary", dense(train), train).predict(dense(train).x)
    numpy.testing.assert_allclose(found, expected, atol=5e-3)


def test_a_matrix_answers_as_its_rows_do() -> None:
    x = coded("binary", 50, 3).x
    assert isinstance(x, FeatureMatrix)
    assert x.shape == (50, 45)
    assert x.nbytes == x[:].nbytes
    assert numpy.concatenate([x[part] for part in x.slices()]).tobytes() == x[:].tobytes()
    sparse = x.csr("f4")
    assert sparse.has_sorted_indices
    assert sparse.nnz == NUMBERS * 50 + (x.rows["codes"] >= 0).sum()
    numpy.testing.assert_array_equal(sparse.toarray(), x[:])


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_xgboost_learns_the_same_from_parts_as_from_all_rows(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, watched = coded(task, 700, 1), coded(task, 200, 2)
    rows = Examples(rows.x, rows.y, numpy.linspace(0.5, 1.5, 700))
    whole = trained(small("xgboost"), task, rows, watched)
    monkeypatch.setattr(feature_matrix, "_ENTRIES_AT_ONCE", 300)
    monkeypatch.setattr(xgboost, "_ENTRIES_AT_ONCE", 0)
    assert len(list(rows.x.csr_parts())) > 9
    in_parts = trained(small("xgboost"), task, rows, watched)
    assert in_parts.booster.save_raw() == whole.booster.save_raw()
