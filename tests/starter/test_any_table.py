"""Whatever a table holds: its proposal compiles without findings and the table keeps the contract."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.spec.edits.formatter import formatted
from tests.examples import at_most
from tests.starter.projects import attempted, compiled, prepared

ROWS = 40
#: Values that some reader somewhere takes for something else.
TRICKY = [
    *("", " ", "yes", "no", "on", "null", "~", "1e3", "0123", "NaN", "inf", "1,5", "-", "=1", "'", '"', "#"),
    *("a: b", "{}", "2024-01-01", "1e999", "5", "5.0", "+5", "é", "x\ny", "true", "[1]", "*a", "&a", "%"),
]
VISIBLE = st.characters(categories=["L", "N", "P", "S", "Zs"])
TEXT = st.text(VISIBLE, max_size=8)
NAMES = st.sampled_from(TRICKY) | TEXT
NUMBERS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
CELLS = st.sampled_from(TRICKY) | TEXT | NUMBERS.map(str)
JSON_CELLS = st.none() | st.sampled_from(TRICKY) | TEXT
COLUMNS = (
    st.lists(st.none() | NUMBERS, min_size=ROWS, max_size=ROWS)
    | st.lists(st.none() | st.booleans(), min_size=ROWS, max_size=ROWS)
    | st.lists(JSON_CELLS, min_size=ROWS, max_size=ROWS)
    | st.lists(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), min_size=ROWS, max_size=ROWS)
)
#: Something to predict, of which every class has enough rows, and something to learn from.
CERTAIN = {"sure": list(range(ROWS)), "target": ["a", "b"] * (ROWS // 2)}


def check(file: str, content: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text, findings = attempted(Path(folder), file, content, "target")
        assert findings == []
        assert formatted(text.encode(), "specs/demo.yaml") == (text.encode(), [])
        prepared(compiled(text), Path(folder))


@at_most(60)
@given(
    st.lists(
        NAMES.filter(lambda name: '"' not in name and "." not in name), min_size=1, max_size=4, unique=True
    ),
    st.data(),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_separated_values(names: list[str], data: st.DataObject, separator: str, line_end: str) -> None:
    columns: dict[str, list[Any]] = {
        name: data.draw(st.lists(CELLS, min_size=ROWS, max_size=ROWS)) for name in names
    }
    columns |= CERTAIN
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    check("data/any.csv", stream.getvalue())


@at_most(60)
@given(st.dictionaries(NAMES, COLUMNS, max_size=4))
def test_any_json_lines(columns: dict[str, list[Any]]) -> None:
    columns |= CERTAIN
    rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    check("data/any.jsonl", "\n".join(json.dumps(row) for row in rows))
