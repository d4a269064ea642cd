"""Rows in many blocks are prepared as rows in one: the same splits, the same report, the same violations."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest
from polars.testing import assert_frame_equal

from aimass_compiler.engines import block_size
from tests.data.projects import NUMBER_TASK, prepared, refused, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COLUMNS = {
    "id": "id",
    "plan": {"type": "category", "missing": 1},
    "x": {"type": "number", "missing": 1},
    "price": {"type": "number", "missing": 1},
    "when": "time",
    "y": "number",
}
SHARES = {"train": 0.5, "validation": 0.25, "test": 0.25}


def write(root: Path, rows: int = 120) -> None:
    chance = numpy.random.default_rng(1)
    plans = chance.choice(["a", "b", "c", "d"], rows)
    table = polars.DataFrame(
        {
            "id": [f"r{number // 2 if number % 10 == 1 else number:03}" for number in range(rows)],
            "plan": plans,
            "x": [None if number % 7 == 0 else float(number) for number in range(rows)],
            "when": [f"2026-01-{1 + number % 28:02}" for number in range(rows)],
            "y": chance.normal(size=rows),
        }
    )
    table.head(50).write_parquet(root / "rows-1.parquet")
    table.tail(-50).with_columns(polars.col("x").cast(polars.Float32)).write_parquet(root / "rows-2.parquet")
    polars.DataFrame({"plan": ["a", "b", "c", "c"], "price": [1.0, 2.0, 3.0, 4.0]}).write_csv(root / "p.csv")


def data(**more: Any) -> dict[str, Any]:
    return {
        "sources": {"rows": "rows-*.parquet", "prices": "p.csv"},
        "join": [{"left": "rows", "right": "prices", "on": ["plan"]}],
        "columns": COLUMNS,
        **more,
    }


LEAST_ROWS = (2, 3, 7, 50)
JOINS = ("left", "inner", "full")
SPLITS: tuple[dict[str, Any], ...] = (
    {"by": "hash", "key": "id"},
    {"by": "hash"},
    {"by": "group", "column": "when"},
    {"by": "random", "stratify": "plan"},
    {"by": "time", "column": "when"},
)


def combinations() -> Iterator[Any]:
    """Blocks, joins and splits: any two of them meet by day, all three at night."""
    for rows, (first, how), (second, split) in product(LEAST_ROWS, enumerate(JOINS), enumerate(SPLITS)):
        is_by_day = (LEAST_ROWS.index(rows) + second) % len(JOINS) == first
        yield pytest.param(rows, split, how, marks=() if is_by_day else pytest.mark.nightly)


@pytest.fixture(params=LEAST_ROWS)
def in_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def cut() -> None:
        monkeypatch.setattr(block_size, "BLOCK_BYTES", 1)
        monkeypatch.setattr(block_size, "LEAST_ROWS", request.param)

    return cut


@pytest.mark.parametrize(("in_blocks", "split", "how"), combinations(), indirect=["in_blocks"])
def test_splits_and_reports_are_the_same(
    tmp_path: Path, in_blocks: Callable[[], None], split: dict[str, Any], how: str
) -> None:
    write(tmp_path)
    clean = [{"keep": "y < 2"}, {"drop_duplicates": ["id", "price"]}, {"drop_missing": "x"}]
    spec = data(split=split | SHARES, clean=clean)
    spec["join"][0]["how"] = how
    whole, found = prepared(tmp_path, spec, NUMBER_TASK), report(tmp_path)
    in_blocks()
    for name, rows in prepared(tmp_path, spec, NUMBER_TASK).items():
        assert_frame_equal(rows, whole[name])
    assert report(tmp_path) == found


def test_violations_are_the_same(tmp_path: Path, in_blocks: Callable[[], None]) -> None:
    write(tmp_path)
    columns = COLUMNS | {
        "x": {"type": "number", "missing": 0.1, "min": 20, "max": 100},
        "plan": {"type": "category", "values": ["a", "b"]},
        "when": "number",
    }
    whole = refused(tmp_path, data(columns=columns))
    in_blocks()
    assert refused(tmp_path, data(columns=columns)) == whole
    assert "of `rows`" in whole
