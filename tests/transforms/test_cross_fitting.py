"""No training row is encoded by its own target."""

from __future__ import annotations

import numpy
import polars
import pytest

from aimass_compiler.catalog.task import Task
from aimass_compiler.engines.local import Local
from aimass_compiler.expression.algebra import Column
from aimass_compiler.expression.column_types import CATEGORY
from aimass_compiler.expression.folds import FOLD, FOLDS, in_folds, in_training
from aimass_compiler.expression.statistics import learn
from tests.expression.both import assert_agree, by_polars
from tests.transforms.fitted import alone, frame, kind_of

NUMBERS = Task(kind="regression", target="y")


def encoded(rows: polars.DataFrame, smoothing: float) -> tuple[list[float], list[float]]:
    """Rows of `a` and `y` as training rows, and as any other rows."""
    transform = kind_of("target_encode").model_validate({"columns": ("a",), "smoothing": smoothing})
    table, column = in_folds(Local().table([rows])), {"a": Column("a", CATEGORY)}
    result = transform.apply(column, learn(table, transform.learn(column), NUMBERS))["a"]
    assert result is not None
    assert_agree(result, rows)
    folded = next(iter(table.blocks()))
    return by_polars(in_training(result), folded).tolist(), by_polars(result, rows).tolist()


@pytest.mark.parametrize("smoothing", [0.0, 3.0])
def test_each_row_is_encoded_by_the_rows_of_other_folds(smoothing: float) -> None:
    chance = numpy.random.default_rng(0)
    names, target = chance.choice(["x", "y", "z"], 40), chance.normal(5, 2, 40)
    trained, served = encoded(polars.DataFrame({"a": names, "y": target}), smoothing)
    fold = numpy.arange(40) % FOLDS

    def mean(where: numpy.ndarray, name: str) -> float:
        own, all_ = target[where & (names == name)], target[where].mean()
        return float((own.sum() + smoothing * all_) / (len(own) + smoothing))

    numpy.testing.assert_allclose(served, [mean(fold >= 0, name) for name in names])
    expected = [mean(fold != own, name) for own, name in zip(fold, names, strict=True)]
    numpy.testing.assert_allclose(trained, expected)


def test_a_name_of_one_row_does_not_know_its_target() -> None:
    target = [float(number) for number in range(50)]
    trained, served = encoded(polars.DataFrame({"a": [f"n{row}" for row in range(50)], "y": target}), 0.0)
    assert served == target
    by_fold = [numpy.mean([value for value in target if value % FOLDS != row % FOLDS]) for row in range(50)]
    numpy.testing.assert_allclose(trained, by_fold)


def test_unseen_and_missing_names_are_the_average_of_all() -> None:
    expression = alone("target_encode", {"columns": "a", "smoothing": 0}, "a", ["x", "x", "y", "x"])
    rows = frame("a", ["x", "y", "new", "", None])
    assert_agree(expression, rows)
    numpy.testing.assert_allclose(by_polars(expression, rows), [2 / 3, 0, 0.5, 0.5, 0.5])


def test_folds_take_turns() -> None:
    rows = next(iter(in_folds(Local().table([polars.DataFrame({"a": list(range(12))})])).blocks()))
    assert rows[FOLD].to_list() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
