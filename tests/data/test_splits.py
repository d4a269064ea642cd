"""Rows land in the same split on every machine, near the shares that were asked for, and nothing leaks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from aimass_compiler.catalog import OneOf, load, names
from aimass_compiler.catalog.split import SharedSplit, Split
from aimass_compiler.conventions import SPLITS
from aimass_compiler.engines.local import Local
from tests.data.projects import NUMBER_TASK, prepared, refused

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pydantic.fields import FieldInfo

ADAPTER: TypeAdapter[Split] = TypeAdapter(Annotated[Split, OneOf("splits", tag="by")])
ROWS = 2000
KEYS: dict[str, dict[str, Any]] = {
    "hash": {"key": "id"},
    "group": {"column": "group"},
    "time": {"column": "time"},
    "random": {"stratify": "kind"},
    "column": {"column": "named"},
}


def fields_of(by: str) -> Collection[FieldInfo]:
    return load("splits", by).model_fields.values()


def table(rows: int = ROWS) -> polars.DataFrame:
    """Rows with everything that a split could go by."""
    numbers = range(rows)
    return polars.DataFrame(
        {
            "id": [f"customer {number}" for number in numbers],
            "group": [f"household {number // 4}" for number in numbers],
            "time": [f"2026-{1 + number * 12 // rows:02}-01" for number in numbers],
            "kind": ["rare" if number % 20 == 0 else "common" for number in numbers],
            "named": [SPLITS[number % 3] for number in numbers],
            "y": [float(number) for number in numbers],
        }
    )


def split(by: str, rows: polars.DataFrame, **parameters: Any) -> list[str]:
    return (
        ADAPTER.validate_python({"by": by, **(KEYS.get(by, {}) | parameters)})
        .assign(Local().table([rows]))
        .to_list()
    )


def initials(found: list[str]) -> str:
    """`t` for train, `v` for validation, `T` for test."""
    return "".join({"train": "t", "validation": "v", "test": "T"}[name] for name in found)


def test_every_kind_is_tried() -> None:
    needy = {by for by in names("splits") if any(field.is_required() for field in fields_of(by))}
    assert needy <= set(KEYS) <= set(names("splits")), "say in KEYS what the new split goes by"


# What these rows were given once they must be given always: a model is judged on rows it never saw.
@pytest.mark.parametrize(
    ("by", "parameters", "given_then"),
    [
        ("hash", {}, "ttvtvTtttvTvttTTTTtvTvvvtTtvttTttTtTttvt"),
        ("hash", {"seed": 1}, "vtvTvttvvtvtttTvtTTvtvttvttvtvvtTTvttvtv"),
        ("hash", {"key": None}, "vtTtttvvtvvtvTTTTvvvTtvvttttTTtttttvvtvt"),
        ("hash", {"key": ["id", "kind"]}, "TttttvttTTtttvttTTttvvtttvtttvtvttvTTvvv"),
        ("group", {}, "vvvvTTTTttttttttTTTTttttvvvvttttTTTTtttt"),
        ("random", {}, "tTTvtvttvtttvvvTttTTTttTTttttTtvTttvTtvt"),
        ("random", {"stratify": None, "seed": 7}, "ttttTttvttTtTTTvvtTvvtTtttvtvTtvvtTvttTt"),
        ("time", {}, "ttttttttttttttttttttvvvvvvvvvvTTTTTTTTTT"),
    ],
)
def test_a_row_is_where_it_always_was(by: str, parameters: dict[str, Any], given_then: str) -> None:
    shares = {"train": 0.5, "validation": 0.25, "test": 0.25}
    assert initials(split(by, table(40), **shares, **parameters)) == given_then


@pytest.mark.parametrize("by", names("splits"))
def test_it_is_the_same_again(by: str) -> None:
    assert split(by, table()) == split(by, table())


@pytest.mark.parametrize("by", ["hash", "group", "time", "column"])
def test_the_order_of_rows_does_not_matter(by: str) -> None:
    shuffled = table().sample(fraction=1.0, shuffle=True, seed=3)
    before = dict(zip(table()["id"], split(by, table()), strict=True))
    assert dict(zip(shuffled["id"], split(by, shuffled), strict=True)) == before


@pytest.mark.parametrize("by", ["hash", "group"])
def test_rows_that_are_added_move_no_other(by: str) -> None:
    assert split(by, table(1000)) == split(by, table(ROWS))[:1000]


@pytest.mark.parametrize("by", ["hash", "group", "random", "time"])
@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.1), (0.5, 0.2, 0.3)])
def test_the_shares_are_about_right(by: str, shares: tuple[float, float, float]) -> None:
    parameters = dict(zip(SPLITS, shares, strict=True))
    counts = Counter(split(by, table(), **parameters))
    for name, share in parameters.items():
        assert abs(counts[name] / ROWS - share) < (0.09 if by == "time" else 0.04)


def test_a_stratified_split_has_every_class_in_its_shares() -> None:
    found = table().with_columns(split=polars.Series(split("random", table())))
    counts = Counter(found.select("kind", "split").rows())
    assert [counts["rare", name] for name in SPLITS] == [80, 10, 10]
    assert [counts["common", name] for name in SPLITS] == [1520, 190, 190]


@pytest.mark.parametrize(("by", "column"), [("group", "group"), ("hash", "id"), ("time", "time")])
@settings(max_examples=15, deadline=None)
@given(
    keys=st.lists(
        st.sampled_from(["a", "b", "c", "2026-01-01", "2026-01-02", "2026-01-01T00:00Z"]), min_size=1
    )
)
def test_rows_of_one_key_stay_together(by: str, column: str, keys: list[str]) -> None:
    keys = [key for key in keys if by != "time" or key.startswith("2")] or ["2026-01-01"]
    found = split(by, polars.DataFrame({column: keys}))
    assert len(set(zip(keys, found, strict=True))) == len(set(keys))


def test_no_row_of_the_future_trains() -> None:
    chance = table().sample(fraction=1.0, shuffle=True, seed=5)
    placed = chance.with_columns(split=polars.Series(split("time", chance)))
    latest, earliest = (
        placed.group_by("split").agg(end(polars.col("time"))) for end in (polars.Expr.max, polars.Expr.min)
    )
    last, first = dict(latest.rows()), dict(earliest.rows())
    assert last["train"] < first["validation"] <= last["validation"] < first["test"]


def test_moments_are_ordered_by_when_they_were_not_by_how_they_are_written() -> None:
    written = [
        "2026-01-01T01:30:00+02:00",  # 23:30 of the day before
        "2026-01-01",
        "2026-01-01 00:30:00",
        "2025-12-31T20:00:00-05:00",  # 01:00
        "2026-01-01T02:00Z",
        "2026-01-01T02:00:00.000001+00:00",
    ]
    shares = {"train": 0.5, "validation": 0.3, "test": 0.2}
    assert initials(split("time", polars.DataFrame({"time": written}), **shares)) == "tttvvT"
    assert initials(split("time", polars.DataFrame({"time": written[::-1]}), **shares)) == "Tvvttt"


@pytest.mark.parametrize("by", ["hash", "group", "random", "column"])
def test_one_row_is_split(by: str) -> None:
    assert split(by, table(1))[0] in SPLITS


def test_shares_must_sum_to_one() -> None:
    for by in names("splits"):
        kind = type(ADAPTER.validate_python({"by": by, **KEYS.get(by, {})}))
        if issubclass(kind, SharedSplit):
            with pytest.raises(ValidationError, match=r"must sum to 1, not 1\.1"):
                ADAPTER.validate_python({"by": by, **KEYS.get(by, {}), "train": 0.9})


def spec(by: dict[str, Any]) -> dict[str, Any]:
    columns = {
        "id": "id",
        "time": {"type": "time", "missing": 1},
        "named": {"type": "category", "missing": 1},
    }
    return {"sources": {"rows": "rows.parquet"}, "columns": {**columns, "y": "number"}, "split": by}


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (
            {"by": "time", "column": "time"},
            "2 rows cannot be split by time, because `time` is missing: row 2, row 5",
        ),
        ({"by": "column", "column": "named"}, "2 rows cannot be split by column, because `named` is missing"),
    ],
)
def test_rows_that_cannot_be_placed_are_told(tmp_path: Path, by: dict[str, Any], said: str) -> None:
    gaps = polars.int_range(polars.len()).is_in([1, 4])
    rows = table(9).with_columns(polars.when(~gaps).then(polars.col("time", "named")))
    rows.write_parquet(tmp_path / "rows.parquet")
    assert said in refused(tmp_path, spec(by))


def test_an_empty_split_is_told(tmp_path: Path) -> None:
    table(3).with_columns(time=polars.lit("2026-01-01")).write_parquet(tmp_path / "rows.parquet")
    told = refused(tmp_path, spec({"by": "time", "column": "time"}))
    assert "the validation split is empty: 3 rows were split by time" in told


def test_rows_named_otherwise_are_in_no_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = polars.when(polars.col("y") < 2).then(polars.lit("holdout")).otherwise("named").alias("named")
    table(9).with_columns(named).write_parquet(tmp_path / "rows.parquet")
    found = prepared(tmp_path, spec({"by": "column", "column": "named"}), NUMBER_TASK)
    assert sum(part.height for part in found.values()) == 7
    assert "2 in no split" in capsys.readouterr().out
