"""`aimass init --task forecast` reads the series, their frequency and their season off a file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.starter import InitOptions, propose
from tests.starter.projects import compiled, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aimass_compiler.pipeline import Pipeline


def table(step: timedelta, shops: tuple[str, ...] = ("a",), count: int = 150) -> Iterator[str]:
    start = datetime(2025, 1, 1)  # a date alone
    yield "at,shop,price,sales"
    for shop in shops:
        for number in range(count):
            at = (start + number * step).isoformat()
            yield f"{at},{shop},{number % 5}.5,{(number * 37) % 11 + number / 7:.2f}"


def proposed(root: Path, lines: Iterator[str], target: str = "sales") -> Pipeline:
    (root / "rows.csv").write_text("\n".join(lines) + "\n")
    text, findings, _ = propose(root / "rows.csv", "rows.csv", "demo", InitOptions(target, task="forecast"))
    assert findings == []
    pipeline = compiled(text)
    prepared(pipeline, root)
    return pipeline


@pytest.mark.parametrize(
    ("step", "every", "season"),
    [(timedelta(days=1), "1d", 7), (timedelta(hours=1), "1h", 24), (timedelta(minutes=10), "10m", 1)],
)
def test_the_season_follows_from_how_far_apart_values_are(
    tmp_path: Path, step: timedelta, every: str, season: int
) -> None:
    forecast = proposed(tmp_path, table(step)).task.forecast
    assert forecast is not None
    assert (f"{forecast.every}", forecast.season_length, forecast.ordered_by) == (every, season, "at")


def test_a_column_tells_series_apart_where_one_must(tmp_path: Path) -> None:
    pipeline = proposed(tmp_path, table(timedelta(days=1), ("a", "b", "c")))
    assert pipeline.task.forecast is not None
    assert pipeline.task.forecast.keys == ("shop",)


def test_a_number_is_not_taken_for_known_ahead(tmp_path: Path) -> None:
    pipeline = proposed(tmp_path, table(timedelta(days=1), ("a", "b")))
    assert pipeline.data.columns["price"].known == "after"
    assert "price" not in pipeline.flow.sources


@pytest.mark.parametrize(
    ("text", "target", "reason"),
    [
        ("\n".join(table(timedelta(days=1), ("a", "a"))), "sales", "several values at one time"),
        ("size,sales\n" + "".join(f"{n * 37 % 11}.5,{n % 7}.25\n" for n in range(40)), "sales",
         "no column says when"),
        ("\n".join(table(timedelta(days=1), ("a", "b"))), "shop", "a forecast predicts numbers"),
    ],
    ids=["no key", "no time", "classes"],
)  # fmt: skip
def test_what_is_no_series_is_refused(tmp_path: Path, text: str, target: str, reason: str) -> None:
    (tmp_path / "rows.csv").write_text(text + "\n")
    found = propose(tmp_path / "rows.csv", "rows.csv", "demo", InitOptions(target, task="forecast"))
    assert [finding.code for finding in found.findings] == ["AM064"]
    assert reason in found.findings[0].message


def test_series_are_told_where_rows_are_predicted_one_by_one(tmp_path: Path) -> None:
    def told(lines: Iterator[str]) -> tuple[str, str]:
        (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
        text, _, guesses = propose(tmp_path / "rows.csv", "rows.csv", "demo", InitOptions("sales"))
        compiled(text)
        return text, dict(guesses).get("series", "")

    text, series = told(table(timedelta(days=1), ("a", "b")))
    assert series.startswith(
        "2 series by shop in the order of at, mostly one value every 1d: `--task forecast`"
    )
    assert "`aimass init NAME rows.csv --target sales --task forecast`" in text
    visits = (f"{datetime(2025, 1, 1) + timedelta(minutes=n * n)},a,{n % 5}.5,{n % 7}.25" for n in range(90))
    text, series = told(iter(["at,shop,price,sales", *visits]))
    assert (series, "forecast" in text) == ("", False)
