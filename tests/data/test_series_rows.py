"""Series become rows to learn from, and nothing of the future reaches them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_compiler.catalog.forecast import Forecast
from aimass_compiler.catalog.splits.time import Time as TimeSplit
from aimass_compiler.catalog.task import Task
from aimass_compiler.pipeline.data import Data
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.series_rows import read_series_rows, series_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

START = datetime(2026, 1, 1)  # a date alone
SPLIT = TimeSplit(column="day", train=0.6, validation=0.2, test=0.2)
COLUMNS = Data.model_validate(
    {
        "sources": {"sales": "sales.csv"},
        "columns": {
            "day": "time",
            "shop": "category",
            "promotion": "number",
            "sales": "number",
            "kind": "category",
        },
    }
).columns


def task(**forecast: Any) -> Task:
    written = {"horizon": 3, "history": 5, "season_length": 2, "time": "day", "key": ("shop",)}
    return Task(kind="regression", target="sales", forecast=Forecast.model_validate(written | forecast))


def table(lengths: Mapping[str, int], **columns: Any) -> polars.DataFrame:
    """Series whose values say when they were: the day's number, and 1000 more for each further shop."""
    parts = [
        polars.DataFrame(
            {
                "day": [(START + timedelta(days=day)).date().isoformat() for day in range(length)],
                "shop": [shop] * length,
                "promotion": [float(day % 2) for day in range(length)],
                "sales": [1000.0 * place + day for day in range(length)],
                "kind": ["large"] * length,
            }
        )
        for place, (shop, length) in enumerate(lengths.items())
    ]
    return polars.concat(parts).with_columns(**columns)


def day_of(value: float) -> int:
    return int(value) % 1000


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(3, 60), min_size=1, max_size=3),
    horizon=st.integers(1, 4),
    history=st.integers(3, 8),
    shuffled=st.randoms(use_true_random=False),
)
def test_no_row_holds_anything_later_than_its_origin_but_what_is_to_be_predicted(
    lengths: list[int], horizon: int, history: int, shuffled: Any
) -> None:
    rows = table({f"shop {place}": length for place, length in enumerate([60, *lengths])})
    order = list(range(rows.height))
    shuffled.shuffle(order)
    wanted = task(horizon=horizon, history=history)
    made, names = series_rows(rows[order], COLUMNS, wanted, SPLIT)
    beside = read_series_rows(made)
    histories = made["sales"].to_numpy()
    truth, steps = made["forecast.truth"].to_numpy(), made["step"].to_numpy()
    origins = [day_of(value) for value in histories[:, -1]]
    for row, origin in enumerate(origins):
        assert histories[row].tolist() == [histories[row][-1] - back for back in reversed(range(history))]
        assert day_of(truth[row]) == origin + steps[row]
        assert day_of(beside.naive[row]) <= origin
        assert (
            beside.origin[row] == (START + timedelta(days=origin) - datetime(1970, 1, 1)).total_seconds()
        )  # a date alone
        assert made["day"][row] == (START + timedelta(days=day_of(truth[row]))).date().isoformat()
    targets = numpy.array([day_of(value) for value in truth])
    first_validation = min(targets[(names == "validation").to_numpy()])
    first_test = min(targets[(names == "test").to_numpy()])
    assert max(targets[(names == "train").to_numpy()]) < first_validation
    assert max(targets[(names == "validation").to_numpy()]) < first_test
    assert min(numpy.array(origins)[(names == "test").to_numpy()]) >= first_test - 1


def test_an_origin_of_the_test_split_has_its_whole_horizon_in_order() -> None:
    made, names = series_rows(table({"a": 40, "b": 37}), COLUMNS, task(), SPLIT)
    for split in ("validation", "test"):
        part = made.filter(names == split)
        steps = part["step"].to_numpy().reshape(-1, 3)
        assert (steps == [1, 2, 3]).all()
        assert (part["forecast.origin"].to_numpy().reshape(-1, 3).std(axis=1) == 0).all()


def test_what_is_known_ahead_is_that_of_the_step() -> None:
    made, _ = series_rows(table({"a": 40}), COLUMNS, task(), SPLIT)
    assert made["promotion"].to_list() == [day_of(value) % 2 for value in made["forecast.truth"]]


def test_the_seasonal_naive_forecast_repeats_the_last_season() -> None:
    made, _ = series_rows(table({"a": 40}), COLUMNS, task(horizon=5), SPLIT)
    origin = made.filter(polars.col("forecast.origin") == made["forecast.origin"].max())
    last = origin["sales"].to_numpy()[0]
    assert origin["forecast.naive"].to_list() == [last[-2], last[-1], last[-2], last[-1], last[-2]]


def test_the_scale_of_a_series_is_that_of_its_training_values() -> None:
    jump = polars.when(polars.col("day") >= "2026-02-06").then(1e6).otherwise(polars.col("sales"))
    made, _ = series_rows(table({"a": 60}, sales=jump), COLUMNS, task(), SPLIT)
    assert set(made["forecast.scale"]) == {2.0}  # a day's value is 2 more than that of two days ago


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (table({"a": 40, "b": 40}).filter(polars.col("sales") != 1007),
         "b: 2026-01-07 is followed by 2026-01-09"),
        (polars.concat([table({"a": 40}), table({"a": 1})]), "a: two values at 2026-01-01"),
        (table({"a": 12}), "is shorter than the horizon"),
        (table({"a": 40}, kind=polars.col("day")), "`kind` changes within a series"),
    ],
    ids=["gap", "twice", "short", "changing name"],
)  # fmt: skip
def test_series_that_cannot_be_forecast_are_refused(rows: polars.DataFrame, reason: str) -> None:
    with pytest.raises(StageFailure) as failure:
        series_rows(rows, COLUMNS, task(), SPLIT)
    assert reason in failure.value.message


def test_months_are_as_long_as_the_calendar_has_them() -> None:
    months = [f"{2020 + month // 12}-{month % 12 + 1:02}-01" for month in range(60)]
    rows = table({"a": 60}).with_columns(day=polars.Series(months))
    made, _ = series_rows(rows, COLUMNS, task(every="month"), SPLIT)
    assert made.height
    with pytest.raises(StageFailure, match="one every month"):
        series_rows(rows.filter(polars.col("day") != "2021-03-01"), COLUMNS, task(every="month"), SPLIT)
