"""A row learns of other sources what was known at its time, and nothing later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from aimass_compiler.engines import block_size
from aimass_compiler.pipeline.joins import Join
from aimass_compiler.runtime.point_in_time import History
from tests.data.projects import refused, together
from tests.examples import at_most

if TYPE_CHECKING:
    from pathlib import Path

DAY = 24 * 60 * 60
START = datetime(2026, 1, 1, tzinfo=UTC)
FUNCTIONS = ("sum", "mean", "min", "max", "last", "last_known", "count", "count_distinct")

hours = st.integers(0, 96)
keys = st.sampled_from(["a", "b", "c", None])
rows_of_left = st.lists(st.tuples(keys, st.none() | hours), min_size=1, max_size=12)
rows_of_right = st.lists(st.tuples(keys, st.none() | hours, st.none() | st.integers(-3, 3)), max_size=20)
ways = st.fixed_dictionaries(
    {},
    optional={"delay": st.sampled_from(["1h", "1d"]), "allow_exact_matches": st.booleans()},
)


def moment(hour: int | None) -> datetime | None:
    return None if hour is None else START + timedelta(hours=hour)


def left_of(rows: list[Any]) -> polars.DataFrame:
    schema = {"key": polars.String, "at": polars.Datetime("us", "UTC")}
    return polars.DataFrame([(key, moment(hour)) for key, hour in rows], schema=schema, orient="row")


def right_of(rows: list[Any]) -> polars.DataFrame:
    schema = {"key": polars.String, "seen": polars.Datetime("us", "UTC"), "value": polars.Float64}
    return polars.DataFrame([(key, moment(hour), v) for key, hour, v in rows], schema=schema, orient="row")


def join_of(**more: Any) -> Join:
    written = {"left": "l", "right": "r", "on": "key", "time": {"left": "at", "right": "seen"}}
    return Join.model_validate(written | more)


def visible(right: polars.DataFrame, row: dict[str, Any], join: Join, back: str | None) -> polars.DataFrame:
    """The rows that a row may read, as one would write it by hand."""
    if row["at"] is None or row["key"] is None:
        return right.clear()
    until = row["at"] - timedelta(seconds=join.delay.seconds if join.delay else 0)
    seen, found = polars.col("seen"), polars.col("key") == row["key"]
    found &= seen <= until if join.allow_exact_matches else seen < until
    if back is not None:
        since = until - timedelta(days=int(back.removesuffix("d")))
        is_open = join.how != "asof" and join.allow_exact_matches
        found &= seen > since if is_open else seen >= since
    return right.filter(found).sort("seen", maintain_order=True)


def aggregated(rows: polars.DataFrame, function: str) -> float | None:
    value = polars.col("value")
    if function == "last":
        return rows["value"][-1] if rows.height else None
    if function == "last_known":
        return next(iter(rows["value"].drop_nulls().reverse()), None)
    if function == "count_distinct":
        return float(rows["value"].drop_nulls().n_unique())
    found = rows.select(getattr(value, function)()).item()
    return None if found is None else float(found)


@at_most(60)
@given(rows_of_left, rows_of_right, ways, st.sampled_from([None, "1d", "2d"]))
def test_aggregations_are_those_of_the_rows_that_were_known(
    left: list[Any], right: list[Any], way: dict[str, Any], window: str | None
) -> None:
    aggregate = {name: {"function": name, "column": "value", "window": window} for name in FUNCTIONS}
    join, events = join_of(aggregate=aggregate, **way), right_of(right)
    found = History(events, join).aggregated(left_of(left))
    for row, values in zip(left_of(left).to_dicts(), found.to_dicts(), strict=True):
        known = visible(events, row, join, window)
        for name in FUNCTIONS:
            wanted = None if row["at"] is None else aggregated(known, name)
            assert values[name] == (wanted if wanted is None else pytest.approx(wanted)), name


@at_most(60)
@given(rows_of_left, rows_of_right, ways, st.sampled_from([None, "1d", "2d"]), st.integers(1, 3))
def test_a_series_is_made_of_the_last_rows_that_were_known(
    left: list[Any], right: list[Any], way: dict[str, Any], window: str | None, length: int
) -> None:
    aggregate = {"s": {"function": "series", "columns": ["value", "number"], "window": window}}
    join, events = join_of(aggregate=aggregate, **way), right_of(right).with_row_index("number")
    found = History(events, join, {"s": length}).aggregated(left_of(left))["s"].to_list()
    for row, steps in zip(left_of(left).to_dicts(), found, strict=True):
        known = visible(events, row, join, window).drop_nulls("value").tail(length)
        assert (steps or []) == [*known.select("value", "number").to_numpy().ravel()]


@at_most(60)
@given(rows_of_left, rows_of_right, ways, st.sampled_from([None, "1d", "2d"]))
def test_the_partner_is_the_latest_that_was_known(
    left: list[Any], right: list[Any], way: dict[str, Any], tolerance: str | None
) -> None:
    join, events = join_of(how="asof", tolerance=tolerance, **way), right_of(right).with_row_index("number")
    found = History(events, join).latest(left_of(left), ["number"])["number"].to_list()
    known = [visible(events, row, join, tolerance)["number"] for row in left_of(left).to_dicts()]
    assert found == [numbers[-1] if len(numbers) else None for numbers in known]


@at_most(60)
@given(rows_of_left, rows_of_right, st.lists(st.tuples(keys, hours, st.integers(-3, 3)), max_size=8), ways)
def test_what_comes_later_changes_nothing(
    left: list[Any], right: list[Any], later: list[Any], way: dict[str, Any]
) -> None:
    last = max((hour for _, hour in left if hour is not None), default=0)
    future = right_of([(key, last + 1 + hour, value) for key, hour, value in later])
    for more in (
        {"how": "asof"},
        {"aggregate": {name: {"function": name, "column": "value"} for name in FUNCTIONS}},
    ):
        join = join_of(**more, **way)

        def beside(events: polars.DataFrame, join: Join = join) -> polars.DataFrame:
            history = History(events, join)
            rows = left_of(left)
            return history.aggregated(rows) if join.aggregate else history.latest(rows, ["seen", "value"])

        assert_frame_equal(beside(right_of(right).vstack(future)), beside(right_of(right)))


LOANS = """\
id,customer,asked,y
1,ada,2026-03-10,1
2,ada,2026-03-20,2
3,bob,2026-03-10T12:00:00Z,3
4,eve,2026-03-10,4
"""
RATINGS = """\
customer,rated,rating
ada,2026-03-01,B
ada,2026-03-11,A
bob,2026-03-10T12:00:00+00:00,C
bob,2026-03-11,D
"""
PAYMENTS = """\
customer,paid,amount,channel
ada,2026-03-01,10,web
ada,2026-03-09,20,shop
ada,2026-03-19,5,web
bob,2026-03-12,7,web
"""
TIMES = {"left": "asked", "right": "rated"}
ASOF = {"left": "loans", "right": "ratings", "on": "customer", "how": "asof", "time": TIMES}
TOTALS = {
    "left": "loans", "right": "payments", "on": "customer", "time": {"left": "asked", "right": "paid"},
    "aggregate": {
        "payments": "count",
        "paid_week": {"function": "sum", "column": "amount", "window": "7d"},
        "largest": {"function": "max", "column": "amount"},
        "last_channel": {"function": "last", "column": "channel"},
    },
}  # fmt: skip
COLUMNS = {
    "id": "id",
    "asked": "time",
    "y": "number",
    "rating": {"type": "category", "missing": 1},
    "payments": "number",
    "paid_week": "number",
    "largest": {"type": "number", "missing": 1},
    "last_channel": {"type": "category", "missing": 1},
}


def write(root: Path, ratings: str = RATINGS, payments: str = PAYMENTS) -> None:
    (root / "loans.csv").write_text(LOANS)
    (root / "ratings.csv").write_text(ratings)
    (root / "payments.csv").write_text(payments)


def spec(*joins: dict[str, Any], **more: Any) -> dict[str, Any]:
    names = ("loans", "ratings", "payments")
    sources = {
        name: f"{name}.csv" for name in names if name == "loans" or name in {j["right"] for j in joins}
    }
    return {"sources": sources, "join": list(joins), "columns": COLUMNS, **more}


@pytest.mark.parametrize("is_in_blocks", [False, True])
def test_a_table_is_put_together_of_several_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_in_blocks: bool
) -> None:
    write(tmp_path)
    if is_in_blocks:
        monkeypatch.setattr(block_size, "BLOCK_BYTES", 1)
        monkeypatch.setattr(block_size, "LEAST_ROWS", 2)
    found = together(tmp_path, spec(ASOF, TOTALS))
    assert found["rating"].to_list() == ["B", "A", "C", None]
    assert found["payments"].to_list() == [2, 3, 0, 0]
    assert found["paid_week"].to_list() == [20, 5, 0, 0]
    assert found["largest"].to_list() == [20, 20, None, None]
    assert found["last_channel"].to_list() == ["shop", "web", None, None]


def test_a_delay_hides_what_was_not_there_yet(tmp_path: Path) -> None:
    write(tmp_path)
    columns = {name: COLUMNS[name] for name in ("id", "y", "rating")}
    assert together(tmp_path, spec({**ASOF, "delay": "10d"}, columns=columns))["rating"].to_list() == [
        None, "B", None, None,
    ]  # fmt: skip


def test_rows_of_exactly_the_same_time_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path)
    columns = {name: COLUMNS[name] for name in ("id", "y", "rating")}
    found = together(tmp_path, spec({**ASOF, "allow_exact_matches": False}, columns=columns))
    assert found["rating"].to_list() == ["B", "A", None, None]


def test_a_partner_that_is_too_old_is_none(tmp_path: Path) -> None:
    write(tmp_path)
    columns = {name: COLUMNS[name] for name in ("id", "y", "rating")}
    found = together(tmp_path, spec({**ASOF, "tolerance": "9d"}, columns=columns))
    assert found["rating"].to_list() == ["B", "A", "C", None]
    found = together(tmp_path, spec({**ASOF, "tolerance": "8d"}, columns=columns))
    assert found["rating"].to_list() == [None, None, "C", None]


def test_a_child_table_without_a_time_is_aggregated_whole(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "payments.csv").write_text("customer,amount\nada,1\nbob,2\nada,3\n")
    aggregate = {"payments": {"function": "sum", "column": "amount"}}
    total = {"left": "loans", "right": "payments", "on": "customer", "aggregate": aggregate}
    columns = {name: COLUMNS[name] for name in ("id", "y", "payments")}
    assert together(tmp_path, spec(total, columns=columns))["payments"].to_list() == [4, 4, 2, 0]


READINGS = """\
engine,step,heat,noise,at
b,2,20,1,2026-01-02
a,10,13,.3,2026-01-10
a,9,12,,2026-01-09
a,2,11,.1,2026-01-02
a,1,10,0,2026-01-01
,1,7,1,2026-01-01
a,,7,1,
"""
LOADS = {"left": "engines", "right": "readings", "on": "engine"}


def readings(columns: list[str], **more: Any) -> dict[str, Any]:
    aggregate = {
        "load": {"function": "series", "columns": columns},
        "heat": {"function": "last", "column": "heat"},
    }
    load = {"type": "series", "length": 2, "channels": len(columns), "missing": 1}
    return {
        "sources": {"engines": "engines.csv", "readings": "readings.csv"},
        "join": [{**LOADS, "aggregate": aggregate, **more}],
        "columns": {"id": "id", "y": "number", "heat": {"type": "number", "missing": 1}, "load": load},
    }


@pytest.mark.parametrize(
    ("columns", "order_by", "expected"),
    [
        (["heat"], "step", [[12, 13], [20], None]),
        (["heat"], "at", [[12, 13], [20], None]),
        (["heat", "noise"], "step", [[11, 0.1, 13, 0.3], [20, 1], None]),
        (["heat"], None, [[10, 7], [20], None]),
    ],
)
@pytest.mark.parametrize("is_in_blocks", [False, True])
def test_rows_of_a_key_become_a_series_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: list[str], order_by: str | None,
    expected: list[Any], is_in_blocks: bool,
) -> None:  # fmt: skip
    if is_in_blocks:
        monkeypatch.setattr(block_size, "BLOCK_BYTES", 1)
        monkeypatch.setattr(block_size, "LEAST_ROWS", 2)
    (tmp_path / "engines.csv").write_text("id,engine,y\n1,a,1\n2,b,2\n3,c,3\n")
    (tmp_path / "readings.csv").write_text(READINGS)
    found = together(tmp_path, readings(columns, **({"order_by": order_by} if order_by else {})))
    steps = [None if row is None else [n for n in row if n == n] for row in found["load"].to_list()]  # noqa: PLR0124  # NaN is behind the last step
    assert steps == [None if row is None else pytest.approx(row) for row in expected]
    assert found["heat"].to_list() == [7 if order_by is None else 13, 20, None]


@pytest.mark.parametrize(
    ("readings_", "order_by", "said"),
    [
        (READINGS.replace("a,9,", "a,nine,"), "step", "line 4 of `readings`: 'nine'"),
        (READINGS.replace("2026-01-10", "10"), "at", "line 3 of `readings`: '10'"),
        (READINGS.replace(",13,", ",hot,"), "step", "line 3 of `readings`: 'hot'"),
        (READINGS, "stp", "has no column `stp` to read in this join\ndid you mean `step`"),
    ],
)
def test_what_is_no_step_is_said_with_its_place(
    tmp_path: Path, readings_: str, order_by: str, said: str
) -> None:
    (tmp_path / "engines.csv").write_text("id,engine,y\n1,a,1\n2,b,2\n3,c,3\n")
    (tmp_path / "readings.csv").write_text(readings_)
    assert said in refused(tmp_path, readings(["heat"], order_by=order_by))


def test_dates_of_a_child_table_are_read_as_its_source_writes_them(tmp_path: Path) -> None:
    (tmp_path / "engines.csv").write_text("id,engine,y\n1,a,1\n2,b,2\n3,c,3\n")
    days = "\n".join(f"a,{day}.{month}.2026,{day},{day}" for month, day in ((3, 1), (1, 30), (2, 15)))
    (tmp_path / "readings.csv").write_text(f"engine,at,heat,step\n{days}\n")
    data = readings(["heat"], order_by="at")
    data["sources"]["readings"] = {"csv": {"path": "readings.csv", "dates": {"at": "%d.%m.%Y"}}}
    data["join"][0]["aggregate"]["days"] = {"function": "count_distinct", "column": "at"}
    data["columns"]["days"] = "number"
    found = together(tmp_path, data)
    assert found["load"].to_list()[0] == [15, 1]
    assert found["days"].to_list() == [3, 0, 0]


def test_gaps_are_filled_with_the_last_known_value_of_the_key(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        'id,engine,at,state,y\n1,a,2026-01-03," ",1\n2,a,2026-01-01,hot,2\n3,b,2026-01-02,,3\n'
        "4,a,2026-01-09,,4\n5,a,2026-01-04,cold,5\n"
    )
    filled = {"function": "last_known", "column": "state", "window": "4d"}
    own = {"left": "rows", "right": "known", "on": "engine", "time": "at", "aggregate": {"last": filled}}
    columns = {"id": "id", "y": "number", "last": {"type": "category", "missing": 1}}
    data = {"sources": {"rows": "rows.csv", "known": "rows.csv"}, "join": [own], "columns": columns}
    assert together(tmp_path, data)["last"].to_list() == ["hot", "hot", None, None, "cold"]


def test_a_table_is_its_own_history(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "id,engine,at,heat,y\n1,a,2026-01-03,12,1\n2,a,2026-01-01,10,2\n3,b,2026-01-02,20,3\n4,a,2026-01-02,11,4\n"
    )
    found = together(
        tmp_path,
        {
            "sources": {"rows": "rows.csv", "earlier": "rows.csv"},
            "join": [
                {
                    "left": "rows", "right": "earlier", "on": "engine", "time": "at",
                    "allow_exact_matches": False,
                    "aggregate": {"load": {"function": "series", "columns": "heat"}},
                }
            ],
            "columns": {"id": "id", "y": "number", "load": {"type": "series", "length": 2, "missing": 1}},
        },
    )  # fmt: skip
    steps = [None if row is None else [n for n in row if n == n] for row in found["load"].to_list()]  # noqa: PLR0124  # NaN is behind the last step
    assert steps == [[10, 11], None, None, [10]]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"payments": PAYMENTS.replace(",7,", ",seven,")}, "line 5 of `payments`: 'seven'"),
        ({"ratings": RATINGS.replace("2026-03-11,D", "soon,D")}, "(line 5 of `ratings`: 'soon')"),
        ({"payments": PAYMENTS.replace("amount", "amout")}, "has no column `amount` to read in this join"),
        ({"ratings": RATINGS.replace("rated", "dated")}, "no column `rated` to read in this join"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_its_place(
    tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    write(tmp_path, **changed)
    assert said in refused(tmp_path, spec(ASOF, TOTALS))


def test_an_aggregation_does_not_replace_a_column(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "loans.csv").write_text(LOANS.replace("id,", "payments,id,", 1).replace("\n", "\n9,", 4))
    assert "`loans` has a column `payments` already" in refused(tmp_path, spec(TOTALS, ASOF))
