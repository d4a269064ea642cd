"""What any dialect writes is read back: cell by cell, and each row with its line."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.catalog.source import UnreadableError
from aimass_compiler.catalog.sources import _blocks, _cells
from aimass_compiler.catalog.sources.csv import Csv
from aimass_compiler.pipeline.columns import CategoryColumn, Column, NumberColumn
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.precision import long
from tests.examples import at_most

CELLS = st.sampled_from(
    [
        "",
        " ",
        "a",
        "0042",
        '"',
        '""',
        "'",
        "\\",
        "\\N",
        ",",
        ";",
        "\t",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "#",
        "é",
        "😀",
        "\0",
        "NA",
        "^a$",
    ]
) | st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=6)
WIDTH = 3
NAMES = ("one", "^.*$", "*")
DIALECTS = st.fixed_dictionaries(
    {
        "separator": st.sampled_from([",", ";", "\t", "|"]),
        "quote": st.sampled_from(['"', "'"]),
        "escape": st.sampled_from(["", "\\"]),
        "encoding": st.sampled_from(["utf-8", "utf-16"]),
        "skip": st.integers(0, 2),
    }
)


def written(keys: dict[str, Any], rows: list[list[str]], line_end: str, *, all_quoted: bool) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream,
        delimiter=keys["separator"],
        quotechar=keys["quote"],
        doublequote=not keys["escape"],
        escapechar=keys["escape"] or None,
        lineterminator=line_end,
        quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL,
    )
    writer.writerow(NAMES)
    writer.writerows(rows)
    return f"above{line_end}" * keys["skip"] + stream.getvalue()


@at_most(200)
@given(
    DIALECTS,
    st.lists(st.lists(CELLS, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_what_is_written_is_read(
    keys: dict[str, Any], rows: list[list[str]], line_end: str, all_quoted: bool
) -> None:
    # csv.writer leaves line ends of other systems without quotes.
    has_ends = bool({"\n", "\r"} & set("".join(map("".join, rows))))
    text = written(keys, rows, line_end, all_quoted=all_quoted or has_ends)
    dialect = Csv(path="x.csv", **keys)
    with tempfile.TemporaryDirectory() as folder:
        location = f"{folder}/x.csv"
        Path(location).write_bytes(text.encode(keys["encoding"]))
        frame, names = dialect.texts(location)
        lines = list(_cells.lines(location, dialect))
    kept = [row for row in rows if any(row)]
    assert names == NAMES
    assert [list(row) for row in frame.rows()] == kept
    if not has_ends:
        above = keys["skip"] + 2
        assert lines == [place + above for place, row in enumerate(rows) if any(row)]


def outcome(dialect: Csv, location: str) -> Any:
    """Everything that a file is read as: the rows and the names, or the error."""
    try:
        frame, names = dialect.texts(location, None)
    except UnreadableError as error:
        return error.message, error.hint
    return frame.rows(), names


@at_most(500)
@given(
    st.lists(
        st.sampled_from(["a", "b, b", '"c"', '"d', 'e"', '""', " ", "\t", "\\", "#", "", "é", "1"])
        | st.sampled_from([*',;|\n\r"\0\ufeff\u2028\x85\x1c', "\r\n", ",,", "\n\n", "\n,,\n"]),
        max_size=40,
    ).map("".join),
    st.fixed_dictionaries(
        {
            "separator": st.sampled_from([",", ";", "|", "\t", " ", "é"]),
            "quote": st.sampled_from(['"', "'", "none"]),
            "escape": st.sampled_from(["", "", "\\"]),
            "comment": st.sampled_from(["", "", "#", "##"]),
            "header": st.sampled_from(["line", "none", ("x", "y"), ("x", "y", "z", "u")]),
            "skip": st.integers(0, 1),
            "strip": st.booleans(),
            "encoding": st.sampled_from(["utf-8", "utf-16"]),
        }
    ),
    st.sampled_from([1, 8, 1 << 16]),
)
def test_polars_splits_as_the_reader_reads(text: str, keys: dict[str, Any], block: int) -> None:
    dialect = Csv(path="x.csv", **keys)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        location = f"{folder}/x.csv"
        Path(location).write_bytes(text.encode(keys["encoding"]))
        patch.setattr(_cells, "_FEWEST_BYTES", block)
        split = outcome(dialect, location)
        patch.setattr(_blocks, "split", lambda *_: None)
        assert split == outcome(dialect, location)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a,b\n1,2\n,\n3\n\n4,5", {}),
        ("a,b,\r1,2,\r3,4,\r", {}),
        ('a,b\n"1","2"\n"",TV 27"\n', {}),
        ("a|b\n 1|  x \n", {"separator": "|", "strip": True}),
    ],
)
def test_a_table_without_anything_odd_needs_no_reader(
    tmp_path: Path, text: str, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.csv").write_text(text, newline="")
    dialect = Csv(path="x.csv", **keys)
    monkeypatch.setattr(_cells.Cells, "chunks", lambda _: iter(()))
    split = outcome(dialect, str(tmp_path / "x.csv"))
    monkeypatch.undo()
    monkeypatch.setattr(_blocks, "split", lambda *_: None)
    read = outcome(dialect, str(tmp_path / "x.csv"))
    assert split == read
    assert read[0]


COLUMNS: dict[str, Column] = {"one": NumberColumn(type="number"), "two": CategoryColumn(type="category")}


@at_most(300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", " ", "7", "-0", " 7", "7 ", '"7"', "+7", ".5", "1e3", "x", "nan", "inf"])
            | st.sampled_from(["one", "1e400", "9007199254740993", "999999999999999", "1_000", "0x1"])
            | st.floats().map(repr),
            st.sampled_from(["", "a", '"b"', '"c,c"', "two", "7"]),
        ),
        max_size=20,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([1, 1 << 16]),
)
def test_numbers_that_are_read_at_once_are_those_that_texts_say(
    rows: list[tuple[str, str]], line_end: str, block: int
) -> None:
    found = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        location = f"{folder}/x.csv"
        Path(location).write_bytes(line_end.join(["one,two", *map(",".join, rows), ""]).encode())
        patch.setattr(_cells, "_FEWEST_BYTES", block)
        dialect = Csv(path="x.csv")
        for each in (dialect, dialect.reading_numbers(["one"])):
            (frame,) = each.read_file(location, {"one": "number", "two": "category"}).frames
            assert isinstance(frame, polars.DataFrame)
            typed, misfits = contract.typed(frame, COLUMNS)
            found.append((typed.rows(), typed.schema, misfits, long(frame, COLUMNS)))
    assert found[0] == found[1]


def test_numbers_are_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('one,two\n1.5,a\n,"b, b"\n"2",\n')
    rows = Csv(path="x.csv").reading_numbers(["one", "two"]).read_file(str(path), {"one": "number"})
    assert rows.parsed == {"one"}
    assert [frame.collect_schema() for frame in rows.frames] == [{"one": polars.Float64}]
    assert rows.written == {"one": polars.String}
