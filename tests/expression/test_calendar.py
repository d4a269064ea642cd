"""A calendar in the algebra shows what Python's shows, in both engines."""

from __future__ import annotations

import calendar as python_calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_compiler.expression.algebra import Column, Pack
from aimass_compiler.expression.calendar import Calendar
from aimass_compiler.expression.column_types import TIME
from aimass_compiler.expression.timezone import local
from tests.expression.both import assert_agree, by_onnx, by_polars

PARTS = (
    "year", "quarter", "month", "week", "day", "day_of_year", "weekday", "weekend", "month_end",
    "hour", "minute", "second",
)  # fmt: skip
SHOWN = Calendar(Column("since", TIME))
ALL = Pack(tuple(getattr(SHOWN, part) for part in PARTS), PARTS)
#: Where leap years, centuries, weeks and days turn.
TURNS = [
    date(year, month, day)
    for year in (1, 4, 1583, 1600, 1899, 1900, 1969, 1970, 2000, 2023, 2024, 2026, 2100, 9999)
    for month, day in ((1, 1), (1, 3), (2, 28), (3, 1), (6, 30), (12, 28), (12, 31))
] + [date(year, 2, 29) for year in (4, 1600, 1972, 2000, 2024)]


def expected(moment: datetime) -> list[int]:
    _, week, weekday = moment.isocalendar()
    last = python_calendar.monthrange(moment.year, moment.month)[1]
    return [
        moment.year, (moment.month - 1) // 3 + 1, moment.month, week, moment.day,
        moment.timetuple().tm_yday, weekday, weekday >= 6, moment.day == last,
        moment.hour, moment.minute, moment.second,
    ]  # fmt: skip


def shown_alike(moments: list[datetime]) -> None:
    rows = polars.DataFrame({"since": [moment.isoformat() for moment in moments]})
    numpy.testing.assert_array_equal(by_polars(ALL, rows), [expected(moment) for moment in moments])
    assert_agree(ALL, rows)


@given(st.lists(st.datetimes(), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_any_moment_is_shown_as_python_shows_it(moments: list[datetime]) -> None:
    shown_alike(moments)


def test_days_and_years_turn_at_midnight_in_utc() -> None:
    midnights = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in TURNS]
    almost = [
        moment - timedelta(seconds=1e-6 if 1900 < moment.year < 2200 else 1)
        for moment in midnights
        if moment.year > 1
    ]
    shown_alike(midnights + almost)


@pytest.mark.parametrize("text", ["2024-02-29T23:30:00-01:00", "2024-03-01 00:30 UTC", "20240301T003000Z"])
def test_an_offset_is_taken_into_account(text: str) -> None:
    rows = polars.DataFrame({"since": [text]})
    numpy.testing.assert_array_equal(by_onnx(ALL, rows), [expected(datetime(2024, 3, 1, 0, 30, tzinfo=UTC))])


def test_a_missing_time_has_no_parts() -> None:
    rows = polars.DataFrame({"since": [None, "2026-01-31"]}, schema={"since": polars.String})
    assert numpy.isnan(by_polars(ALL, rows)[0]).all()
    assert_agree(ALL, rows)


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_a_clock_of_a_place_shows_what_python_says(name: str) -> None:
    there = Calendar(local(Column("since", TIME), name))
    shown = Pack(tuple(getattr(there, part) for part in PARTS), PARTS)
    moments = [
        datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=7 * step, minutes=59) for step in range(400)
    ]
    # Berlin's clock is put forward at 1:00 in UTC on 31 March.
    moments += [datetime(2024, 3, 31, 0, 59, 59, tzinfo=UTC), datetime(2024, 3, 31, 1, tzinfo=UTC)]
    rows = polars.DataFrame({"since": [moment.isoformat() for moment in moments]})
    expected_there = [expected(moment.astimezone(ZoneInfo(name))) for moment in moments]
    numpy.testing.assert_array_equal(by_polars(shown, rows), expected_there)
    assert_agree(shown, rows)
