"""Features of histories are the same in both engines, and the calendar counts months as polars does."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy
import onnxruntime
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_compiler.expression import onnx_lowering
from aimass_compiler.expression.algebra import Column, Expression
from aimass_compiler.expression.calendar import months_later
from aimass_compiler.expression.column_types import NUMBER, TIME, PastValues
from aimass_compiler.expression.histories import Lag, Rolling, SeasonalLag
from aimass_compiler.expression.onnx_graph import Inputs
from tests.expression.both import by_polars

LENGTH = 9
HISTORY, STEP = Column("sales", PastValues((LENGTH,))), Column("step", NUMBER)
_values = st.lists(st.floats(-1e6, 1e6, width=32), min_size=LENGTH, max_size=LENGTH)
_steps = st.one_of(st.none(), st.integers(-3, 40).map(float), st.floats(-1e9, 1e9))
_rows = st.lists(st.tuples(_values, _steps), min_size=1, max_size=6)
_operators = st.one_of(
    st.builds(Lag, st.just(HISTORY), st.integers(1, LENGTH)),
    st.builds(
        Rolling,
        st.just(HISTORY),
        st.integers(1, LENGTH),
        st.sampled_from(["mean", "standard_deviation", "minimum", "maximum"]),
    ),
    st.builds(SeasonalLag, st.just(HISTORY), st.just(STEP), st.integers(1, LENGTH), st.integers(1, 4)),
)


def served(expression: Expression, histories: numpy.ndarray, steps: numpy.ndarray) -> numpy.ndarray:
    graph = onnx_lowering.lower(expression, Inputs.of([HISTORY, STEP]))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    found: numpy.ndarray = session.run(None, {"sales": histories, "numbers": steps[:, None]})[0]
    return found[:, 0]


@settings(max_examples=40, deadline=None)
@given(_operators, _rows)
def test_serving_computes_of_a_history_what_training_saw(
    expression: Expression, rows: list[tuple[list[float], float | None]]
) -> None:
    histories = numpy.array([values for values, _ in rows], numpy.float32)
    steps = numpy.array([math.nan if step is None else step for _, step in rows])
    kind = polars.Array(polars.Float32, LENGTH)
    table = polars.DataFrame({"sales": polars.Series(histories, dtype=kind), "step": steps}).with_columns(
        polars.col("step").fill_nan(None)
    )
    numpy.testing.assert_array_equal(served(expression, histories, steps), by_polars(expression, table))


@pytest.mark.parametrize(
    ("step", "season", "expected"),
    [(1, 1, 7), (2, 1, 8), (3, 1, 9), (4, 1, 7), (6, 1, 9), (1, 2, 4), (5, 3, 2)],
)
def test_a_seasonal_lag_is_the_same_place_in_an_earlier_season(step: int, season: int, expected: int) -> None:
    history = numpy.arange(1, LENGTH + 1, dtype=numpy.float32)[None]  # 1 to 9, of seasons of 3
    lag = SeasonalLag(HISTORY, STEP, 3, season)
    assert served(lag, history, numpy.array([float(step)])) == expected


_timestamps = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(  # made UTC below
    lambda moment: moment.replace(day=min(moment.day, 28), microsecond=0, tzinfo=UTC)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(_timestamps, st.integers(0, 500)), min_size=1, max_size=6))
def test_months_later_is_the_same_day_of_a_later_month(rows: list[tuple[datetime, int]]) -> None:
    moment, months = Column("at", TIME), Column("months", NUMBER)
    seconds = numpy.array([at.timestamp() for at, _ in rows])
    counts = numpy.array([float(count) for _, count in rows])
    graph = onnx_lowering.lower(months_later(moment, months), Inputs.of([moment, months]))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"numbers": numpy.column_stack([seconds, counts])})[0][:, 0]
    expected = [polars.Series([at]).dt.offset_by(f"{count}mo").to_list()[0] for at, count in rows]
    start = datetime(1970, 1, 1, tzinfo=UTC)
    assert [start + timedelta(seconds=each) for each in found] == expected
