"""Rows are held to what the spec declares, and one run tells everything that is wrong."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars
import pytest

from aimass_compiler.expression.timestamp_columns import microseconds
from aimass_compiler.pipeline.columns import NumberColumn
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.precision import long
from tests.data.projects import TASK, prepared, refused, report, together

if TYPE_CHECKING:
    from pathlib import Path


def rows(root: Path, table: dict[str, list[Any]]) -> dict[str, str]:
    """A source of these columns, beside an id and a target."""
    count = len(next(iter(table.values())))
    whole = {
        "id": [f"{number:03}" for number in range(count)],
        "y": [float(number) for number in range(count)],
        **table,
    }
    polars.DataFrame(whole, strict=False).write_parquet(root / "rows.parquet")
    return {"rows": "rows.parquet"}


def test_everything_that_is_wrong_is_told_in_one_run(tmp_path: Path) -> None:
    sources = rows(
        tmp_path,
        {
            "age": ["17", "x", None, "inf", "130"],
            "plan": ["basic", "Basic", "", "plus", None],
            "day": ["2026-01-31", "31.1.2026", "2026-02-30", "2026-01-31T12:00Z", "2026-01-31 12:00+02:00"],
            "note": [["a"], ["b"], None, ["c"], []],
            "tenur": [1, 2, 3, 4, 5],
        },
    )
    columns = {
        "id": "id",
        "y": "number",
        "age": {"type": "number", "min": 18, "max": 120, "missing": 0.2},
        "plan": {"type": "category", "values": ["basic", "plus"], "missing": 0.1},
        "day": "time",
        "note": {"type": "text", "missing": 1},
        "tenure": "number",
    }
    told = refused(tmp_path, {"sources": sources, "columns": columns})
    for line in (
        "`tenure` is declared but the data has no such column; did you mean `tenur`?",
        "`age` holds 2 values that are not a finite number (row 2: 'x', row 4: 'inf')",
        "`age` holds 1 value below the minimum 18; drop the rows with "
        "`clean: [keep: \"age >= 18 or missing(age)\"]` (row 1: '17')",
        "`age` holds 1 value above the maximum 120",
        "(row 5: '130')",
        "`plan` is missing in 2 rows (40.0%), but at most 10.0% may be",
        "`plan` holds 1 value that is none of basic, plus; drop the rows with "
        "`clean: [keep: \"plan == 'basic' or plan == 'plus' or missing(plan)\"]` (row 2: 'Basic')",
        "`day` holds 2 values that are not a date or timestamp like 2026-01-31",
        "(row 2: '31.1.2026', row 3: '2026-02-30')",
        "(row 1: \"['a']\", row 2: \"['b']\", row 4: \"['c']\", …)",
    ):
        assert line in told


def test_names_of_which_none_is_declared_are_told(tmp_path: Path) -> None:
    sources = rows(tmp_path, {"late": [True, False, None, True]})
    columns = {"id": "id", "y": "number", "late": {"type": "category", "values": ["no", "yes"], "missing": 1}}
    told = refused(tmp_path, {"sources": sources, "columns": columns})
    assert '3 values that are none of no, yes; the data has ["false", "true"]: declare those' in told


def test_rows_that_cleaning_drops_break_nothing(tmp_path: Path) -> None:
    sources = rows(
        tmp_path, {"age": [-1.0, None, 20.0, 20.0, 30.0, 40.0], "plan": ["a", "a", None, "b", "b", "b"]}
    )
    columns = {"id": "id", "y": "number", "age": {"type": "number", "min": 0}, "plan": "category"}
    clean = [{"drop_missing": "plan"}, {"keep": "age >= 0 and not missing(age)"}, {"drop_duplicates": "plan"}]
    told = refused(tmp_path, {"sources": sources, "columns": columns, "clean": clean})
    assert "the validation split is empty: 1 rows" in told or "split is empty" in told
    kept = together(tmp_path, {"sources": sources, "columns": columns, "clean": clean[:2]})
    assert kept["age"].to_list() == [20.0, 30.0, 40.0]
    assert report(tmp_path)["rows"] == {"collected": 6, "kept": 3, "train": 1, "validation": 1, "test": 1}


def test_cleaning_keeps_the_first_of_alike_rows_in_their_order(tmp_path: Path) -> None:
    sources = rows(tmp_path, {"*": ["b", "a", "b", "c", "a"], "b": ["1", "2", "3", "4", "5"]})
    columns = {"id": "id", "y": "number", "*": "category", "b": "category"}
    kept = together(tmp_path, {"sources": sources, "columns": columns, "clean": [{"drop_duplicates": "*"}]})
    assert kept["id"].to_list() == ["000", "001", "003"]


def test_a_missing_target_is_never_allowed(tmp_path: Path) -> None:
    sources = rows(tmp_path, {"y": [1.0, None, 2.0]})
    columns = {"id": "id", "y": {"type": "number", "missing": 1}}
    assert "`y` is missing in 1 row (33.3%), but at most 0.0% may be; drop the rows with" in refused(
        tmp_path, {"sources": sources, "columns": columns}
    )


def test_values_arrive_in_the_types_that_are_declared(tmp_path: Path) -> None:
    table: dict[str, list[Any]] = {
        "flag": [True, False, None],
        "code": [1, 2, 3],
        "day": [date(2026, 1, 31), None, date(2026, 2, 1)],
        "moment": [datetime(2026, 1, 31, 12, tzinfo=UTC)] * 3,
        "photo": [[1, 2, 3, 4], None, [5.5, 6, 7, 8]],
    }
    columns = {
        "id": "id",
        "y": "number",
        "flag": {"type": "number", "missing": 1},
        "code": "category",
        "day": {"type": "time", "missing": 1},
        "moment": "time",
        "photo": {"type": "image", "shape": [1, 2, 2], "missing": 1},
    }
    found = together(tmp_path, {"sources": rows(tmp_path, table), "columns": columns})
    assert found["flag"].to_list() == [1.0, 0.0, None]
    assert found["code"].to_list() == ["1", "2", "3"]
    assert found["day"].to_list() == ["2026-01-31", None, "2026-02-01"]
    assert found["moment"][0] == "2026-01-31T12:00:00.000000+00:00"
    assert found["photo"].to_list() == [[1, 2, 3, 4], None, [5.5, 6, 7, 8]]
    assert list(found.columns) == list(columns)


@pytest.mark.parametrize("photo", [[1.0, 2.0], [1.0, 2.0, 3.0, float("nan")], [1.0, 2.0, 3.0, float("inf")]])
def test_a_picture_of_another_size_or_without_a_pixel_is_told(tmp_path: Path, photo: list[float]) -> None:
    sources = rows(tmp_path, {"photo": [photo, [1.0, 2.0, 3.0, 4.0], None]})
    columns = {"id": "id", "y": "number", "photo": {"type": "image", "shape": [1, 2, 2], "missing": 1}}
    told = refused(tmp_path, {"sources": sources, "columns": columns})
    assert "`photo` holds 1 value that is not an image: a list of 4 finite numbers" in told
    assert "(1 x 2 x 2: channels, rows, columns) (row 1:" in told


def test_paths_of_pictures_are_one_finding_with_the_way_out(tmp_path: Path) -> None:
    sources = rows(tmp_path, {"photo": ["data/1.png", "data/2.png", "data/3.png"]})
    columns = {"id": "id", "y": "number", "photo": {"type": "image", "shape": [1, 2, 2]}}
    told = refused(tmp_path, {"sources": sources, "columns": columns})
    assert told.count("`photo`") == 1
    assert "paths are not read, so name the folder of the files in a source `image_folder`" in told


def test_the_keep_that_is_proposed_takes_the_rows_out(tmp_path: Path) -> None:
    sources = rows(tmp_path, {"age": [-3, 20, None, *range(30, 50)], "my age": [1.5, -0.5, *[2.0] * 21]})
    columns = {
        "id": "id",
        "y": "number",
        "age": {"type": "number", "min": 0, "missing": 0.5},
        "my age": {"type": "number", "min": 0},
    }
    told = refused(tmp_path, {"sources": sources, "columns": columns})
    assert "(row 1: '-3')" in told
    proposed = [json.loads(claim) for claim in re.findall(r'clean: \[keep: ("[^"]*")\]', told)]
    assert proposed == ["age >= 0 or missing(age)", "`my age` >= 0"]
    clean = [{"keep": claim} for claim in proposed]
    assert together(tmp_path, {"sources": sources, "columns": columns, "clean": clean}).height == 21


def test_a_class_that_training_lacks_is_told(tmp_path: Path) -> None:
    sources = rows(tmp_path, {"y": ["no", "no", "no", "yes"], "s": ["train", "validation", "test", "test"]})
    columns = {"id": "id", "y": {"type": "category", "values": ["no", "yes"]}, "s": "category"}
    split = {"by": "column", "column": "s"}
    told = refused(tmp_path, {"sources": sources, "columns": columns, "split": split}, TASK)
    assert "the target `y` has only `no` in the training split" in told


def test_a_split_of_one_class_is_told(tmp_path: Path) -> None:
    sources = rows(
        tmp_path,
        {"y": ["no", "yes", "no", "yes", "no"], "s": ["train", "train", "validation", "validation", "test"]},
    )
    columns = {"id": "id", "y": {"type": "category", "values": ["no", "yes"]}, "s": "category"}
    split = {"by": "column", "column": "s"}
    told = refused(tmp_path, {"sources": sources, "columns": columns, "split": split}, TASK)
    assert "the target `y` has only `no` in the test split" in told


def test_the_same_data_gives_the_same_files(tmp_path: Path) -> None:
    sources = rows(tmp_path, {"age": [float(number) for number in range(50)]})
    spec = {"sources": sources, "columns": {"id": "id", "y": "number", "age": "number"}}
    folder = tmp_path / "artifacts/m/prepare"
    prepared(tmp_path, spec)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    prepared(tmp_path, spec)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert set(first) == {"train.parquet", "validation.parquet", "test.parquet", "report.json"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:01", 1_000_000),
        ("1970-01-01 02:00:00+02:00", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-01T00:00:00.5-0030", 1_800_500_000),
        (" 1970-01-01T01:00Z ", 3_600_000_000),
        ("1970-13-01", None),
        ("01/02/1970", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_moments_are_numbers(text: str | None, meant: int | None) -> None:
    assert microseconds(polars.Series([text], dtype=polars.String)).to_list() == [meant]


@pytest.mark.parametrize("kind", [polars.Float32, polars.Float64])
def test_single_precision_is_read_as_the_server_reads_it(tmp_path: Path, kind: type[polars.DataType]) -> None:
    values = [0.7, 16.1, None, 1e-7, 123456.0]
    table = polars.DataFrame(
        {"id": list("abcde"), "y": [1.0, 2, 3, 4, 5], "x": polars.Series(values, dtype=kind)}
    )
    table.write_parquet(tmp_path / "rows.parquet")
    columns = {"id": "id", "y": "number", "x": {"type": "number", "missing": 1}}
    found = together(tmp_path, {"sources": {"rows": "rows.parquet"}, "columns": columns})
    assert found["x"].to_list() == values


def test_thousands_of_columns_are_looked_at_at_once() -> None:
    columns = {f"c{place}": NumberColumn(type="number", min=0, max=9) for place in range(5000)}
    table = polars.DataFrame({name: ["1.5", " 2", ""] for name in columns} | {"c7": ["x", "1e17", "-1"]})
    begin = time.process_time()
    typed, lost = contract.typed(table, columns)
    kept = contract.kept(typed.drop_nulls("c0"), columns)
    broken = list(contract.broken(kept, columns, "c0", {}))
    assert not long(table, columns)
    seconds = time.process_time() - begin
    assert typed["c0"].to_list() == [1.5, 2.0, None]
    assert [str(violation) for violation in contract.reported(lost, columns)] == [
        "`c7` holds 1 value that is not a finite number (row 1: 'x')"
    ]
    assert [violation.column for violation in broken] == ["c7", "c7"]
    assert seconds < 4, "one by one, they take ten seconds"
