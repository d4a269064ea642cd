"""Files as they come: what is read, and what is said about those that cannot be."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Any

import polars
import pytest
from pydantic import ValidationError

from aimass_compiler.catalog.sources.csv import Csv
from aimass_compiler.catalog.task import Task
from tests.data.projects import refused, together

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {"id": "id", "a": {"type": "text", "missing": 1}, "y": {"type": "number", "missing": 0}}
ROWS = "id,a,y\n1,x,1\n2,,2\n3,z,3\n"
READ = [("1", "x", 1.0), ("2", None, 2.0), ("3", "z", 3.0)]


def called(value: object) -> str:
    """A case by the name of its file."""
    return value if isinstance(value, str) and "." in value else ""


def data(path: Any) -> dict[str, Any]:
    return {"sources": {"rows": path}, "columns": COLUMNS}


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("plain.csv", ROWS.encode(), READ),
        ("mark.csv", b"\xef\xbb\xbf" + ROWS.encode(), READ),
        ("windows.csv", ROWS.replace("\n", "\r\n").encode(), READ),
        ("no_end.csv", ROWS.rstrip("\n").encode(), READ),
        ("blank.csv", (ROWS.replace("\n2", "\n\n2") + "\n\n").encode(), READ),
        ("packed.csv.gz", gzip.compress(ROWS.encode(), mtime=0), READ),
        (
            "quoted.csv",
            b'id,a,y\n1,"x\ny, ""z""",1\n2,"",2\n3," ",3\n',
            [("1", 'x\ny, "z"', 1.0), ("2", None, 2.0), ("3", " ", 3.0)],
        ),
        ("[odd] *.csv", ROWS.encode(), READ),
        ("spaces.csv", ROWS.replace(",1\n", ", 1 \n").encode(), READ),
        (
            "rows.jsonl",
            b'{"id":1,"a":"x","y":1}\n{"y":2,"id":2}\n\n{"id":3,"a":"z","y":3.0,"more":{"b":[1]}}\n',
            READ,
        ),
        (
            "words.jsonl",
            b'{"id":"1","a":"x","y":"1"}\n{"id":"2","y":2,"a":null}\n{"id":"3","a":"z","y":3}\n',
            READ,
        ),
    ],
    ids=called,
)
def test_rows_are_read(tmp_path: Path, name: str, content: bytes, read: list[Any]) -> None:
    (tmp_path / name).write_bytes(content)
    kind = "csv" if ".csv" in name else "jsonl"
    path = name.replace("[odd] *", "[[]odd] [*]")
    assert together(tmp_path, data({kind: path})).rows() == read


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "latin.csv",
            ROWS.replace("x", "é").encode("latin-1"),
            "latin.csv: line 2 is not UTF-8 (byte 0xe9)\ndeclare its encoding: `encoding: cp1252`",
        ),
        ("utf16.csv", ROWS.encode("utf-16"), "`encoding: utf-16`"),
        ("empty.csv", b"", "the file is empty"),
        ("header.csv", b"id,a,y\n", "no row is left to split"),
        ("long.csv", b"id,a,y\n1,x,1,2\n", "line 2 has 4 values, but the header has 3"),
        (
            "quote.csv",
            b'id,a,y\n1,"x,1\n2,y,2\n',
            'line 2, column `a`: a quote (") opens here and is never closed',
        ),
        ("twice.csv", b"id,a,a,y\n1,x,x,1\n", "a duplicate column `a`"),
        ("empty.jsonl", b"", "no rows"),
        ("cut.jsonl", b'{"id":1,"y":1}\n{"id":', "line 2 is not JSON"),
        ("list.jsonl", b'[{"id":1,"y":1}]', "every line must be one JSON object"),
        ("latin.jsonl", '{"id":"é","y":1}\n'.encode("latin-1"), "write the file in UTF-8"),
        (
            "unlike.jsonl",
            b'{"id":1,"y":1}\n{"id":{"x":1},"y":1}\n',
            "`id` is a number in line 1 and an object in line 2",
        ),
        ("text.arrow", b"ARROW1 is how it begins", "cannot be read as Arrow"),
        ("text.parquet", b"PAR1 is how it begins", "cannot be read as Parquet"),
    ],
    ids=called,
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert said in refused(tmp_path, data(name))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "source `rows`: there is no file data/rows.csv" in refused(tmp_path, data("data/rows.csv"))
    assert "there is no file data/*.csv" in refused(tmp_path, data("data/*.csv"))


def test_a_folder_is_told_apart_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    assert "is a folder\nname its files by a pattern: rows/*.csv" in refused(tmp_path, data({"csv": "rows/"}))


def test_a_pattern_reads_all_its_files_by_the_names_of_their_columns(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("id,a,y\n1,x,1\n")
    (tmp_path / "2.csv").write_text("y,id,a\n2,2,\n3,3,z\n")
    (tmp_path / "3.csv").mkdir()
    assert together(tmp_path, data("*.csv")).rows() == READ


def test_files_of_other_columns_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("id,a,y\n1,x,1\n")
    (tmp_path / "2.csv").write_text("id,b,y\n1,x,1\n")
    assert "2.csv and 1.csv do not have the same columns: only one has `a`" in refused(
        tmp_path, data("*.csv")
    )


def test_whole_and_broken_numbers_of_two_files_go_together(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text('{"id":1,"a":"x","y":1}\n')
    (tmp_path / "2.jsonl").write_text('{"id":2,"y":2.0}\n{"id":3,"a":"z","y":3.0}\n')
    assert together(tmp_path, data("*.jsonl")).rows() == READ
    for name, numbers in (("1", [1]), ("2", [2.5, 3.0])):
        ids = [f"{name}{number}" for number in numbers]
        polars.DataFrame({"id": ids, "a": ids, "y": numbers}).write_parquet(tmp_path / f"{name}.parquet")
    assert together(tmp_path, data("*.parquet"))["y"].to_list() == [1.0, 2.5, 3.0]


@pytest.mark.parametrize("path", ["/etc/passwd", "../rows.csv", "data/../../rows.csv"])
def test_no_path_leads_out_of_the_project(path: str) -> None:
    with pytest.raises(ValidationError, match="leads out of the project"):
        Csv(path=path)


def test_a_remote_path_is_passed_on(tmp_path: Path) -> None:
    assert Csv(path="s3://lake/usage/*.csv").locations(tmp_path) == ["s3://lake/usage/*.csv"]


def test_sources_are_joined_by_keys_of_any_type(tmp_path: Path) -> None:
    (tmp_path / "left.csv").write_text("id,a\n1,x\n2,\n3,z\n4,w\n")
    polars.DataFrame({"id": [1.0, 2.0, 3.0, 9.0], "y": [1, 2, 3, 9]}).write_parquet(
        tmp_path / "right.parquet"
    )
    sources = {"left": "left.csv", "right": "right.parquet"}
    join = {"left": "left", "right": "right", "on": "id"}
    task = Task(kind="regression", target="id")
    columns = {**COLUMNS, "y": {"type": "number", "missing": 0.5}}

    def ids(how: str) -> list[str]:
        spec = {"sources": sources, "columns": columns, "join": [{**join, "how": how}]}
        return list(together(tmp_path, spec, task)["id"])

    assert ids("inner") == ["1", "2", "3"]
    assert ids("left") == ["1", "2", "3", "4"]
    assert ids("full") == ["1", "2", "3", "4", "9"]


def test_moments_are_keys_whatever_the_kinds_of_files(tmp_path: Path) -> None:
    texts = [f"2024-05-{day:02} 07:30:00" for day in range(1, 21)]
    (tmp_path / "left.csv").write_text("id,a\n" + "".join(f"{text},x\n" for text in texts))
    moments = polars.Series(texts).str.to_datetime(time_unit="ns")
    polars.DataFrame({"id": moments, "y": range(20)}).write_parquet(tmp_path / "right.parquet")
    spec = {
        "sources": {"left": "left.csv", "right": "right.parquet"},
        "columns": {"id": "id", "y": "number"},
        "join": [{"left": "left", "right": "right", "on": "id", "how": "inner"}],
    }
    assert sorted(together(tmp_path, spec, Task(kind="regression", target="y"))["id"]) == texts


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ("key,b\n1,2\n", "source `right` has no column `id` to join on"),
        ("id,a\n1,2\n", "both have a column `a`"),
    ],
)
def test_a_join_that_is_unclear_is_told(tmp_path: Path, right: str, said: str) -> None:
    (tmp_path / "left.csv").write_text(ROWS)
    (tmp_path / "right.csv").write_text(right)
    spec = {"sources": {"left": "left.csv", "right": "right.csv"}, "columns": COLUMNS}
    assert said in refused(tmp_path, {**spec, "join": [{"left": "left", "right": "right", "on": "id"}]})


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        ("0\n1\n2\n3", "0.0\n1.0\n2.0\n3.0", "(0, 1, 2, …) is in `b` (0.0, 1.0, 2.0, …): one of them writes"),
        ("7\n8", "00007\n00008", "(7, 8) is in `b` (00007, 00008): one of them has leading zeros"),
        ("7\n8", "7 \n8 ", "is in `b` ('7 ', '8 '): one of them has surrounding spaces"),
        ("2024-05-01\n2024-05-02", "2024-05-01 00:00:00\n", "one of them writes days with an hour"),
        ("2024-05-01 07:30:00\n", "2024-05-01T07:30:00\n", "one of them has a `T` between"),
        ("ab\ncd", "AB\nCD", "one of them is in another case"),
        ("7\n8", "9\n10", "no `k` of `a` (7, 8) is in `b` (9, 10)"),
    ],
)
@pytest.mark.parametrize("how", ["left", "inner"])
def test_a_join_that_meets_nobody_says_why(
    tmp_path: Path, left: str, right: str, said: str, how: str
) -> None:
    (tmp_path / "a.csv").write_text(f"k\n{left}\n")
    (tmp_path / "b.csv").write_text("k,y\n" + "".join(f"{key},1\n" for key in right.split("\n")))
    spec = {
        "sources": {"a": "a.csv", "b": "b.csv"},
        "columns": {"k": "id", "y": "number"},
        "join": [{"left": "a", "right": "b", "on": "k", "how": how}],
    }
    assert said in refused(tmp_path, spec)


def test_a_join_that_meets_few_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("id,a\n" + "".join(f"{n},x\n" for n in range(9)))
    (tmp_path / "b.csv").write_text("id,y\n1,1\n2,2\n3,3\n")
    spec = {
        "sources": {"a": "a.csv", "b": "b.csv"},
        "columns": {**COLUMNS, "y": {"type": "number", "missing": 0.9}},
        "join": [{"left": "a", "right": "b", "on": "id", "how": "inner"}],
    }
    together(tmp_path, spec)
    assert "only 3 of 9 `id` of `a` (0, 4, 5, …) are in `b` (1, 2, 3)" in capsys.readouterr().out


def test_folders_in_the_path_are_columns(tmp_path: Path) -> None:
    for year in (2022, 2023):
        folder = tmp_path / f"sales/year={year}/part=a%20b"
        folder.mkdir(parents=True)
        polars.DataFrame({"id": [f"{year}{n}" for n in range(3)], "y": [1, 2, 3]}).write_parquet(
            folder / "0.parquet"
        )
    columns = {"id": "id", "y": "number", "year": "number", "part": "category"}
    found = together(tmp_path, {"sources": {"s": "sales/*/*/*.parquet"}, "columns": columns})
    assert found["year"].to_list() == [2022.0] * 3 + [2023.0] * 3
    assert set(found["part"]) == {"a b"}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "feather"])
def test_names_are_never_taken_for_patterns(tmp_path: Path, kind: str) -> None:
    names = ["^.*$", "*", 'a "b"', "a.b", "{c}", "a_duplicated_0", "^a$"]
    frame = polars.DataFrame({"id": ["1", "2", "3"], "y": [1, 2, 3], **{name: [name] * 3 for name in names}})
    writers = {
        "csv": frame.write_csv,
        "jsonl": frame.write_ndjson,
        "parquet": frame.write_parquet,
        "feather": frame.write_ipc,
    }
    writers[kind](tmp_path / f"x.{kind}")
    columns = {"id": "id", "y": "number", **dict.fromkeys(names, "category")}
    joined = {"left": "x", "right": "z", "on": ["id", "*", "^.*$"]}
    (tmp_path / "z.csv").write_text("id,*,^.*$,more\n1,*,^.*$,5\n2,*,^.*$,6\n3,*,^.*$,7\n")
    sources = {"x": f"x.{kind}", "z": "z.csv"}
    found = together(
        tmp_path,
        {
            "sources": sources,
            "columns": {**columns, "more": "number"},
            "join": [joined],
            "clean": [{"drop_missing": ["*", "^.*$"]}, {"drop_duplicates": ["id", "*"]}],
        },
    )
    assert found["more"].to_list() == [5.0, 6.0, 7.0]
    assert all(found[name].to_list() == [name] * 3 for name in names)


def test_what_nobody_declares_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,note,note,y\n1,a,b,1\n2,a,b,2\n3,a,b,3\n")
    lines = ['{"id": 1, "y": 1, "m": [1]}', '{"id": 2, "y": 2, "m": {"a": 1}}', '{"id": 3, "y": 3, "m": "x"}']
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    for file in ("x.csv", "x.jsonl"):
        found = together(tmp_path, {"sources": {"x": file}, "columns": {"id": "id", "y": "number"}})
        assert found.rows() == [("1", 1.0), ("2", 2.0), ("3", 3.0)]


def test_a_value_that_is_none_is_placed_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('id,a,y\n\n1,"x\nx",1\n\n2,x,two\n3,x,3\n')
    assert "`y` holds 1 value that is not a finite number (line 6: 'two')" in refused(tmp_path, data("x.csv"))
    (tmp_path / "1.csv").write_text("id,a,y\n1,x,1\n")
    (tmp_path / "2.csv").write_text("id,a,y\n1,x,one\n")
    assert "(line 2 of 2.csv: 'one')" in refused(tmp_path, data("[12].csv"))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"dates": {"a": "%Q"}}, "there is no `%Q`"),
        ({"dates": {"a": "%d/%m"}}, "lacks the year, the month or the day"),
        ({"decimal": ",", "thousands": ","}, "so no number could be read"),
        ({"decimal": ",", "quote": "none"}, "is the separator and occurs in numbers, too"),
        ({"separator": '"'}, "must be different characters"),
        ({"separator": "\n"}, "a line end is not allowed here"),
        ({"encoding": "utf-99"}, "unknown encoding `utf-99`"),
        ({"encoding": "rot13"}, "unknown encoding `rot13`"),
    ],
)
def test_a_dialect_that_cannot_be_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        Csv.model_validate({"path": "x.csv", **keys})


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"signs": {"z": "$"}}, "`signs` names a column `z`, which the file does not have"),
        ({"missing": {"ya": ["NA"]}}, "`missing` names a column `ya`"),
        ({"dates": {"a": "%d/%m/%Y"}}, "`dates` says how `a` writes dates, but its type is text"),
    ],
)
def test_a_key_that_names_no_column_of_the_file_is_told(
    tmp_path: Path, keys: dict[str, Any], said: str
) -> None:
    (tmp_path / "x.csv").write_text(ROWS)
    assert said in refused(tmp_path, data({"csv": {"path": "x.csv", **keys}}))
