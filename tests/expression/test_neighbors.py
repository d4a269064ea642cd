"""The mean over the nearest rows: what scikit-learn answers, alike in both engines, whatever the blocks."""

from __future__ import annotations

from typing import Any

import numpy
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import KNNImputer

from aimass_compiler.catalog.task import Task
from aimass_compiler.expression.algebra import Column, Expression, Pack
from aimass_compiler.expression.column_types import NUMBER
from aimass_compiler.expression.neighbors import KnownRows, MeanOfNearest, mean_of_nearest
from aimass_compiler.expression.some_rows import SomeRows
from tests.expression.both import NUMBERS, assert_agree, frames

TASK = Task(kind="regression", target="y")
NUMBERS_HERE = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, 2.0])


@st.composite
def nearest(draw: st.DrawFn) -> MeanOfNearest:
    """Any known rows, many of them as far away as one another."""
    columns = draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=3))
    count = draw(st.integers(0, 12))
    rows = draw(st.lists(st.tuples(*[NUMBERS_HERE] * (1 + len(columns))), min_size=count, max_size=count))
    known = KnownRows(
        tuple(row[0] for row in rows),
        tuple(row[1:] for row in rows),
        tuple(draw(st.lists(st.floats(1e-3, 1e3), min_size=len(columns), max_size=len(columns)))),
    )
    numbers: tuple[Expression, ...] = tuple(columns)
    return MeanOfNearest(numbers, known, draw(st.integers(1, 15)))


@settings(max_examples=60, deadline=None)
@given(nearest(), frames())
def test_both_engines_give_the_same_values(expression: MeanOfNearest, rows: polars.DataFrame) -> None:
    assert_agree(expression, rows)


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("gap", [None, 0, 1])
def test_means_are_those_of_scikit_learn(count: int, gap: int | None) -> None:
    chance = numpy.random.default_rng(4)
    known, asked = chance.normal(size=(60, 3)), chance.normal(size=(20, 2))
    if gap is not None:
        asked[:, gap] = numpy.nan
    rows = KnownRows(tuple(known[:, 0]), tuple(map(tuple, known[:, 1:])), (1.0, 1.0))
    expression = MeanOfNearest((Column("a", NUMBER), Column("b", NUMBER)), rows, count)
    theirs = KNNImputer(n_neighbors=count).fit(known)
    expected = theirs.transform(numpy.column_stack([numpy.full(20, numpy.nan), asked]))[:, 0]
    numpy.testing.assert_allclose(mean_of_nearest(asked, expression), expected, rtol=1e-12)


def test_all_rows_that_are_as_near_count_in_whatever_order() -> None:
    values = ((1.0, 5.0), (2.0, 5.0), (6.0, 5.0), (100.0, 9.0))
    for order in (values, values[::-1]):
        rows = KnownRows(tuple(row[0] for row in order), tuple(row[1:] for row in order), (1.0,))
        expression = MeanOfNearest((Column("a", NUMBER),), rows, 2)
        assert mean_of_nearest(numpy.array([[5.1]]), expression).tolist() == [3.0]


def learned(parts: list[polars.DataFrame], most: int) -> KnownRows:
    names = ("value", "a", "b")
    statistic = SomeRows(Pack(tuple(Column(name, NUMBER) for name in names), names), most)
    states = [statistic.part([part[name] for name in names]) for part in parts]
    state: Any = states[0]
    for later in states[1:]:
        state = statistic.merge(state, later)
    return statistic.finish(state, TASK)  # type: ignore[no-any-return]  # as declared there


def test_the_rows_that_are_kept_are_the_same_for_all_blocks_and_orders() -> None:
    chance = numpy.random.default_rng(0)
    rows = polars.DataFrame({name: chance.normal(size=500).round(1) for name in ("value", "a", "b")})
    rows = rows.with_columns(a=polars.when(polars.col("a") < 1.5).then("a"))
    whole = learned([rows], 100)
    assert len(whole.values) == 100
    assert learned([rows[:123], rows[123:130], rows[130:]], 100) == whole
    assert learned([rows.sort("value")], 100) == whole
    everything = learned([rows], 10_000)
    assert len(everything.values) == rows.drop_nulls().height
    numpy.testing.assert_allclose(
        everything.factors, [1 / rows.drop_nulls()[name].std(ddof=0) for name in ("a", "b")]
    )
