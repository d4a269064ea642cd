"""What is said of rows against those of the run before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest

from aimass_compiler.engines.row_changes import row_changes
from aimass_compiler.runtime.reference import category_reference, number_reference

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.engines.row_changes import RowChanges

ROWS = 2_000


def table(seed: int = 0) -> polars.DataFrame:
    chance = numpy.random.default_rng(seed)
    plan = chance.choice(["basic", "plus"], ROWS)
    amount = polars.Series(chance.normal(size=ROWS)).set(polars.Series(chance.random(ROWS) < 0.02), None)
    return polars.DataFrame({"amount": amount, "plan": plan})


def against(rows: polars.DataFrame, folder: Path) -> RowChanges:
    """How rows differ from those of `table`."""
    earlier = table()
    reference = {
        "amount": number_reference(earlier["amount"]),
        "plan": category_reference(earlier["plan"]),
    }
    path = folder / "train.parquet"
    rows.write_parquet(path)
    return row_changes(reference, ROWS, path)


def test_rows_like_them_moved_nothing(tmp_path: Path) -> None:
    found = against(table(1), tmp_path)
    assert found.lines() == [
        "against the last run: 2,000 training rows, 2,000 before, +0.0%; no column moved"
    ]
    assert found.columns["amount"].stability < 0.05


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (polars.col("amount") + 1, "`amount` moved far (PSI 0."),
        (
            polars.when(polars.int_range(polars.len()) % 2 == 0).then("amount").alias("amount"),
            "is missing in 5",
        ),
        (polars.lit("basic").alias("plan"), "`plan` moved far (PSI "),
        (
            polars.when(polars.int_range(polars.len()) < 5)
            .then(polars.lit("gold"))
            .otherwise("plan")
            .alias("plan"),
            "`plan` has new values: `gold`",
        ),
    ],
)
def test_what_moved_is_said(change: Any, told: str, tmp_path: Path) -> None:
    found = against(table(1).with_columns(change), tmp_path)
    head, *lines = found.lines()
    assert "no column moved" not in head
    assert any(told in line for line in lines), lines
    assert found.document()["columns"].keys() == {"amount", "plan"}


def test_the_distance_is_that_of_kolmogorov_and_smirnov_where_bins_meet(tmp_path: Path) -> None:
    moved = table(1).with_columns(polars.col("amount") + 0.5)
    found = against(moved, tmp_path).columns["amount"].distance
    one, other = (part["amount"].drop_nulls().to_numpy() for part in (table(), moved))
    edges = number_reference(table()["amount"])["edges"]
    expected = max(abs((one < edge).mean() - (other < edge).mean()) for edge in edges)
    assert found == pytest.approx(expected, abs=1e-9)


def test_few_rows_move_by_chance_and_are_not_told(tmp_path: Path) -> None:
    said = [against(table(seed).head(60), tmp_path).lines() for seed in range(1, 8)]
    assert sum(len(lines) > 1 for lines in said) <= 1


def test_a_column_that_is_gone_or_another_type_is_left_out(tmp_path: Path) -> None:
    found = against(table(1).select(amount=polars.lit("1")), tmp_path)
    assert not found.columns
