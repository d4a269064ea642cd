"""The features stage says of which numbers the float32 that models read makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest

from tests.data.projects import prepared
from tests.data.test_features import rows, run

if TYPE_CHECKING:
    from pathlib import Path

SPLITS = ("train", "validation", "test")
CHANCE = numpy.random.default_rng(1)


def warned(root: Path, values: Any, written: list[Any], capsys: pytest.CaptureFixture[str]) -> str:
    """What the stage prints of a column `a.b` of these values."""
    table = rows(1, len(values)).with_columns(polars.Series("a.b", values, dtype=polars.Float64))
    run(root, [{"drop": ["photo", "a"]}, {"one_hot": "p"}, *written], dict.fromkeys(SPLITS, table))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "values",
    [
        1_700_000_000_000 + numpy.arange(0, 2000, 50),
        numpy.array([16_777_216, 16_777_217] * 20),
        1e9 + CHANCE.normal(size=40),
        -1e15 + numpy.arange(40),
    ],
)
def test_large_numbers_with_small_differences(
    tmp_path: Path, values: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    told = warned(tmp_path / "plain", values, [], capsys)
    assert f"warning: `a.b` has {len(numpy.unique(values))} distinct values" in told
    assert "`standardize: a.b`" in told
    assert "warning" not in warned(tmp_path / "scaled", values, [{"standardize": "a.b"}], capsys)


def test_a_number_far_away_from_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = numpy.array([0.0, *(1_700_000_000_000 + numpy.arange(39))])
    told = warned(tmp_path, values, [{"standardize": "a.b"}], capsys)
    assert (
        "warning: `a.b` has 40 distinct values in the training rows, of which models can distinguish" in told
    )
    assert "bound those far away" in told


@pytest.mark.parametrize("values", [CHANCE.normal(size=5000), numpy.arange(5000), numpy.full(40, 1e15)])
def test_nothing_is_said_of_numbers_that_stay_apart(
    tmp_path: Path, values: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "warning" not in warned(tmp_path, values, [], capsys)


def test_a_column_without_a_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = warned(tmp_path, [None] * 20, [], capsys)
    assert "warning: `a.b` has no value in any of the 20 training rows\n  help: " in told


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_ids_that_float64_cannot_hold(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    tweets = [1_700_000_000_000_000_000 + number for number in range(30)]
    table = polars.DataFrame({"id": tweets, "tweet": tweets, "small": range(30), "y": range(30)})
    getattr(table, f"write_{kind}")(tmp_path / f"rows.{kind}")
    columns = {"id": "id", "tweet": "number", "small": "number", "y": "number"}
    prepared(tmp_path, {"sources": {"rows": f"rows.{kind}"}, "columns": columns})
    told = capsys.readouterr().out
    assert "warning: `tweet` has 30 distinct whole numbers, of which 1 stay distinct" in told
    assert told.count("warning") == 1
