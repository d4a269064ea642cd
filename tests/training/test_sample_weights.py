"""What training sees of the rows: their weights by class and column, and those that sampling leaves."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.feature_matrix import Block, FeatureMatrix, layout_of
from aimass_compiler.catalog.task import Task
from aimass_compiler.pipeline.training import Sampling, Training
from aimass_compiler.runtime.examples import read_examples, write_examples, write_target
from aimass_compiler.runtime.training.sample_weights import emphasized

TASK = Task(kind="classification", target="y", classes=("no", "yes"))
#: Eight rows of `no` and two of `yes`.
Y = numpy.array([0, 0, 0, 0, 1, 0, 0, 0, 0, 1])


def rows(weights: numpy.ndarray | None = None) -> Examples:
    return Examples(numpy.arange(10, dtype=numpy.float32)[:, None], Y, weights)


def seen(part: Examples | None = None, **training: Any) -> Examples:
    return emphasized(TASK, Training(**training), part or rows(), rows())[0]


def test_without_a_wish_the_rows_are_as_they_are() -> None:
    assert seen().weights is None
    assert seen().x is not None


def test_balanced_classes_weigh_the_same_together() -> None:
    weights = seen(class_weights="balanced").weights
    assert weights is not None
    assert weights[Y == 0].sum() == pytest.approx(weights[Y == 1].sum())
    assert weights.mean() == pytest.approx(1)


def test_a_class_weighs_as_much_as_is_written() -> None:
    weights = seen(class_weights={"yes": 5}).weights
    assert weights is not None
    assert weights[Y == 1] / weights[0] == pytest.approx(5)
    assert weights.mean() == pytest.approx(1)


def test_weights_of_rows_are_kept_beside_those_of_classes() -> None:
    weights = seen(rows(numpy.arange(1.0, 11)), class_weights={"yes": 2}).weights
    assert weights is not None
    assert weights[4] / weights[0] == pytest.approx(10)


def test_the_validation_loss_weighs_classes_alike_and_rows_stay() -> None:
    _, validation = emphasized(
        TASK, Training(class_weights="balanced", sampling=Sampling(over=1)), rows(), rows()
    )
    assert len(validation.y) == 10
    assert validation.weights is not None


@pytest.mark.parametrize(
    ("sampling", "counts"),
    [({"over": 1}, [8, 8]), ({"over": 0.5}, [8, 4]), ({"under": 1}, [2, 2]), ({"under": 0.5}, [4, 2])],
)
def test_sampling_brings_classes_to_a_ratio(sampling: dict[str, float], counts: list[int]) -> None:
    found = seen(sampling=sampling)
    assert numpy.bincount(found.y).tolist() == counts
    assert (Y[numpy.asarray(found.x)[:, 0].astype(int)] == found.y).all()
    again = seen(sampling=sampling)
    numpy.testing.assert_array_equal(found.x, again.x)


def test_what_is_repeated_is_repeated_alike() -> None:
    found = seen(sampling={"over": 1})
    assert sorted(numpy.asarray(found.x)[found.y == 1, 0].tolist()) == [4] * 4 + [9] * 4


def test_codes_of_categories_are_sampled_with_their_rows() -> None:
    layout = layout_of([Block("numbers", 1), Block("levels", 9)])
    kept = numpy.zeros(10, layout.dtype)
    kept["codes"][:, 0] = numpy.arange(10) % 9
    found = seen(Examples(FeatureMatrix(layout, kept), Y), sampling={"under": 1})
    assert len(found.x) == len(found.y) == 4
    assert isinstance(found.x, FeatureMatrix)


def test_weights_are_read_as_they_were_written(tmp_path: Any) -> None:
    write_examples(tmp_path, "train", numpy.zeros((10, 1), numpy.float32), Y)
    assert read_examples(tmp_path, "train").weights is None
    write_target(tmp_path, "train", Y, numpy.arange(10.0))
    found = read_examples(tmp_path, "train")
    numpy.testing.assert_array_equal(found.y, Y)
    numpy.testing.assert_array_equal(found.weights, numpy.arange(10.0))
