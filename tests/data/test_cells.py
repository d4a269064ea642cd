"""What any dialect writes is read back: cell by cell, and each row with its line."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.catalog.sources import _cells
from aimass_compiler.catalog.sources.csv import Csv
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
