"""Profiles: the same whatever the blocks, and suspicious of what gives the target away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.cli import main
from aimass_compiler.cli.views.profile import document, page, people
from aimass_compiler.engines import table_profile
from aimass_compiler.engines.local import Local
from aimass_compiler.engines.table_profile import TableProfile, profile

if TYPE_CHECKING:
    from pathlib import Path

CHANCE = numpy.random.default_rng(0)
ROWS = 600
CHURNED = CHANCE.random(ROWS) < 0.3
CUSTOMERS = polars.DataFrame(
    {
        "number": numpy.arange(ROWS),
        "tenure": numpy.where(CHURNED, 2.0, 5.0) + CHANCE.normal(size=ROWS),
        "plan": CHANCE.choice(["basic", "plus", "pro"], ROWS),
        "noise": CHANCE.normal(size=ROWS),
        "refund": [float(number % 7) if churned else None for number, churned in enumerate(CHURNED.tolist())],
        "closed": numpy.where(CHURNED, "yes", "no"),
        "country": "fr",
        "churned": numpy.where(CHURNED, "left", "stayed"),
    }
).with_columns(months=polars.col("tenure") * 12 + 1)


def profiled(*frames: polars.DataFrame, target: str | None = None) -> TableProfile:
    with Local() as engine:
        return profile(engine.table([frame.lazy() for frame in frames]), target)


def suspects(found: TableProfile) -> set[tuple[str, str]]:
    return {(suspect.kind, suspect.column) for suspect in found.suspects}


def test_what_gives_the_target_away_is_suspected_and_nothing_else() -> None:
    assert suspects(profiled(CUSTOMERS, target="churned")) == {
        ("identifier", "number"),
        ("leak", "refund"),
        ("leak", "closed"),
        ("constant", "country"),
        ("copy", "months"),
    }


def test_what_a_spec_declares_as_an_id_is_no_doubt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Local() as engine:
        table = engine.table([CUSTOMERS.lazy()])
        found = profile(table, "churned", {"number": "id", "plan": "category"})
        doubted = profile(table, "churned", {"number": "category"})
    assert ("identifier", "number") not in suspects(found)
    assert ("identifier", "number") in suspects(doubted)
    shown = {line.split()[0]: line for line in people("rows", found).splitlines() if line.strip()}
    assert " id " in shown["number"]
    assert "basic 3" in shown["plan"]
    assert "%, " in shown["plan"]

    # A model's own: the types are those of its pipeline.
    prepared = tmp_path / "artifacts" / "m" / "prepare"
    prepared.mkdir(parents=True)
    for split in ("train", "validation", "test"):
        CUSTOMERS.write_parquet(prepared / f"{split}.parquet")
    generated = tmp_path / "generated" / "m"
    generated.mkdir(parents=True)
    document = {"task": {"target": "churned"}, "data": {"columns": {"number": {"type": "id"}}}}
    (generated / "pipeline.json").write_text(json.dumps(document))
    (tmp_path / "specs").mkdir()
    assert main(["profile", "m", "--root", str(tmp_path)]) == 0
    assert "identifier" not in capsys.readouterr().out


def test_gaps_that_tell_the_target_are_told_apart_from_values_that_do() -> None:
    refunds = [value if number % 9 else 1.0 for number, value in enumerate(CUSTOMERS["refund"].to_list())]
    found = profiled(CUSTOMERS.with_columns(refund=polars.Series(refunds)), target="churned")
    assert ("gaps", "refund") in suspects(found)


def test_a_column_that_helps_ranks_above_noise() -> None:
    told = {column.name: column.association for column in profiled(CUSTOMERS, target="churned").columns}
    tenure, noise = told["tenure"], told["noise"]
    assert tenure is not None
    assert noise is not None
    assert tenure.alone > 0.4
    assert noise.alone < 0.1
    assert tenure.mutual_information > noise.mutual_information
    assert tenure.correlation is not None
    assert abs(tenure.correlation) > 0.5


def test_names_that_are_all_different_tell_nothing_of_any_target() -> None:
    rows = CUSTOMERS.with_columns(
        key=polars.format("k{}", "number"),
        review=polars.format("it came after {} days and was {} nice", "number", "plan"),
    )
    for target in ("churned", "tenure"):
        told = {column.name: column.association for column in profiled(rows, target=target).columns}
        assert told["key"] is not None
        assert told["key"].mutual_information < 0.01
    found = suspects(profiled(rows))
    assert ("identifier", "key") in found
    assert ("identifier", "review") not in found, "texts of several words are read"


def test_a_number_that_stands_for_a_gap_is_suspected() -> None:
    rows = CUSTOMERS.select(
        marked=polars.when(polars.col("number") % 20 == 0).then(-999.0).otherwise("noise"),
        spent=polars.when(polars.col("number") % 3 == 0).then(0.0).otherwise(polars.col("noise").abs()),
        nothing=polars.lit(None, dtype=polars.String),
    )
    assert suspects(profiled(rows)) == {("marker", "marked"), ("empty", "nothing")}


def test_a_number_is_a_target_too() -> None:
    found = profiled(CUSTOMERS, target="tenure")
    told = {column.name: column.association for column in found.columns}
    assert ("leak", "months") in suspects(found)
    assert told["plan"] is not None
    assert told["plan"].alone < 0.1
    assert told["churned"] is not None
    assert told["churned"].alone > 0.3


@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=True, width=32)), max_size=60),
    st.integers(0, 60),
)
def test_two_files_have_the_profile_of_one(values: list[Any], cut: int) -> None:
    frame = polars.DataFrame({"x": polars.Series(values, dtype=polars.Float64)})
    one, two = profiled(frame), profiled(frame[:cut], frame[cut:])
    known = [value for value in values if value is not None and not numpy.isnan(value)]
    finite = [value for value in known if numpy.isfinite(value)]
    (column,), (other,) = one.columns, two.columns
    assert column.missing == other.missing == len(values) - len(known)
    assert column.distinct == other.distinct == len(set(known))
    assert one.duplicates == two.duplicates
    for key, value in column.summary.items():
        assert other.summary[key] == pytest.approx(value, rel=1e-9, abs=1e-9)
    if finite:
        assert column.summary["min"] == min(finite)
        assert column.summary["max"] == max(finite)


def test_many_distinct_values_are_estimated_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    (column,) = profiled(polars.DataFrame({"x": numpy.arange(50_000) % 30_000})).columns
    assert column.is_estimated
    assert column.distinct == pytest.approx(30_000, rel=0.1), "six standard errors"
    (column,) = profiled(polars.DataFrame({"x": numpy.arange(50_000) % 4_000})).columns
    assert (column.distinct, column.is_estimated) == (4_000, False)


def test_a_large_table_is_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_profile, "_SAMPLE", 100)
    found = profiled(CUSTOMERS, target="churned")
    assert found.sampled == 100
    (number,) = (column for column in found.columns if column.name == "number")
    assert number.summary["p50"] == pytest.approx(ROWS / 2, abs=6)
    assert (number.summary["min"], number.summary["max"]) == (0, ROWS - 1), "these are of all rows"


def test_rows_that_come_twice_are_counted() -> None:
    assert profiled(CUSTOMERS, CUSTOMERS.head(25)).duplicates == 25


@pytest.mark.parametrize(
    "frame",
    [
        polars.DataFrame({"x": []}, schema={"x": polars.Float64}),
        polars.DataFrame({"x": [None, None]}, schema={"x": polars.String}),
        polars.DataFrame({"x": [[1, 2], None], "*": [True, None]}),
        polars.DataFrame({"turns": [[{"role": "user", "content": "hi"}], None]}),
        polars.DataFrame({"^x$": [float("nan"), float("inf")], "row": ["<i>\x1b[31m", ""]}),
    ],
    ids=["no rows", "no values", "lists", "turns alone", "names"],
)
def test_odd_tables_have_a_profile_in_every_form(frame: polars.DataFrame) -> None:
    for target in (None, frame.columns[0]):
        found = profiled(frame, target=target)
        json.loads(document("odd", found))
        assert "\x1b" not in people("odd", found)
        assert "<i>" not in page("odd", found)


def test_the_command_shows_a_file_and_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    CUSTOMERS.write_csv("customers.csv")
    CUSTOMERS.write_parquet("customers.parquet")
    found = {}
    for name in ("customers.csv", "customers.parquet"):
        assert main(["profile", name, "--target", "churned", "--format", "json"]) == 0
        found[name] = json.loads(capsys.readouterr().out)
    csv, parquet = found.values()
    assert [column["type"] for column in csv["columns"]] == [column["type"] for column in parquet["columns"]]
    assert csv["suspects"] == parquet["suspects"] != []
    assert main(["profile", "customers.csv", "--target", "churn"]) == 2
    assert "did you mean `churned`?" in capsys.readouterr().err
    assert main(["profile", "customer.csv"]) == 1
    assert "there is no file" in capsys.readouterr().err


def test_the_command_says_what_of_a_file_it_does_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [f"{-999 if row % 5 == 0 else row},{row % 7},{row % 3}" for row in range(1, 200)]
    (tmp_path / "odd.csv").write_text("\n".join(["tenure,plan,plan", *lines, ""]))
    assert main(["profile", "odd.csv", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert [column["name"] for column in json.loads(out)["columns"]] == ["tenure", "plan"]
    assert "note: `tenure`: `-999` is read as missing" in err
    assert "note: `plan`: its name stands 2 times in the header" in err
