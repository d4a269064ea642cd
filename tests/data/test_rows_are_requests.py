"""A row of the training file is a row that the server takes, and it reads the same values of it."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy
import pytest

from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.conventions import NUMBERS_TENSOR, STRINGS_TENSOR
from aimass_compiler.pipeline.data import Data
from aimass_compiler.runtime.packaging.signature import contract_of
from aimass_compiler.runtime.server.model_signature import Signature, read_signature
from aimass_compiler.runtime.server.response import RequestError
from aimass_compiler.runtime.server.rows import RowReader
from aimass_compiler.runtime.server.tensors import TensorReader
from data.projects import NUMBER_TASK, THIRDS, report, together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars

COLUMNS: dict[str, Any] = {
    "id": "number",
    "flag": {"type": "category", "values": ["false", "true"]},
    "open_flag": "category",
    "grade": {"type": "category", "values": ["1", "2", "3"]},
    "floor": "category",
    "ratio": "category",
    "share": {"type": "category", "values": ["0.5", "1.0"]},
    "house": "category",
    "paid": "number",
    "sum": {"type": "number", "missing": 1.0},
    "note": {"type": "text", "missing": 1.0},
    "seen": "time",
    "paid_at": {"type": "time", "missing": 1.0},
    "y": "number",
}
ROWS: list[dict[str, Any]] = [
    {
        "id": number,
        "flag": number % 2 == 0,
        "open_flag": number % 3 == 0,
        "grade": number % 3 + 1,
        "floor": number % 5 - 1,
        "ratio": number / 4,
        "share": 1 if number % 2 else 0.5,
        "house": number if number % 2 else f"{number}a",
        "paid": number % 4 == 0,
        "sum": None if number % 7 == 0 else f" {number}.5",
        "note": "" if number % 5 == 0 else "größer",
        "seen": 20260101 + number if number < 9 else f"2026-01-{number:02}T10:00:00+02:00",
        "paid_at": (None, " ", "", "1969-12-31 23:59:59.25", "2026-01-31 12:00:00 UTC")[number % 5],
        "y": float(number),
        "nobody asked": {"deep": [number]},
    }
    for number in range(30)
]
STRINGS = ["flag", "open_flag", "grade", "floor", "ratio", "share", "house", "note"]
NUMBERS = ["id", "paid", "sum", "seen", "paid_at"]


NAMES = ("id", "sum"), ("grade", "note")


def packaged(
    root: Path, data: dict[str, Any], numbers: Sequence[str] = NUMBERS, strings: Sequence[str] = STRINGS
) -> tuple[Signature, polars.DataFrame, list[dict[str, Any]]]:
    """What the package says of the columns, the rows that were trained on, and what packs them."""
    rows = together(root, data)
    columns = Data.model_validate({"split": THIRDS, **data}).columns
    read = [
        {"name": name, "type": columns[name].column_type.name, "tensor": tensor, "index": index}
        for tensor, names in ((NUMBERS_TENSOR, numbers), (STRINGS_TENSOR, strings))
        for index, name in enumerate(names)
    ]
    contract = contract_of(NUMBER_TASK, columns, read, report(root), rows)
    named = {"model": "m", "version": "0" * 12, "trained_at": "2026-01-02T03:04:05Z"}
    return read_signature({**named, **contract}), rows, contract["inputs"]


def test_every_row_of_a_json_file_is_taken_for_what_it_was_in_training(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(row) for row in ROWS)
    (tmp_path / "d.jsonl").write_text(text, encoding="utf-8")
    signature, rows, inputs = packaged(tmp_path, {"sources": {"d": "d.jsonl"}, "columns": COLUMNS})
    assert signature.ignored == {"y", "nobody asked"}
    trained = pack(rows, inputs)
    served = RowReader(signature, 10_000).tensors([json.loads(line) for line in text.splitlines()])
    numpy.testing.assert_array_equal(served["numbers"], trained["numbers"])
    assert served["strings"].tolist() == trained["strings"].tolist()


def test_rows_of_a_table_of_text_are_asked_by_their_types(tmp_path: Path) -> None:
    """CSV has no types, so that its numbers are numbers and its names are names."""
    lines = [
        "id,grade,sum,note,y,more",
        *(f"{number},{number % 3 + 1},{number},n,{number},x" for number in range(30)),
        "30,1,NA,NA,0,x",
    ]
    (tmp_path / "d.csv").write_text("\n".join(lines), encoding="utf-8")
    source = {"csv": {"path": "d.csv", "missing": {"note": ["NA"], "sum": ["NA"]}}}
    columns = {name: COLUMNS[name] for name in ("id", "sum", "grade", "note", "y")}
    signature, rows, inputs = packaged(tmp_path, {"sources": {"d": source}, "columns": columns}, *NAMES)
    assert signature.ignored == {"y", "more"}
    trained = pack(rows.tail(2), inputs)
    asked: list[dict[str, Any]] = [
        {"id": 29, "grade": 3, "sum": 29, "note": "n", "more": "x"},
        {"id": 30, "grade": 1, "sum": "NA", "note": "NA", "y": 0},
    ]
    served = RowReader(signature, 100).tensors(asked)
    numpy.testing.assert_array_equal(served["numbers"], trained["numbers"])
    assert served["strings"].tolist() == trained["strings"].tolist() == [["3", "n"], ["1", ""]]
    inputs = [
        {"name": name, "datatype": "BYTES" if name == "note" else "FP64", "shape": [2, 1],
         "data": [None if row[name] == "NA" and name == "sum" else row[name] for row in asked]}
        for name in ("id", "grade", "sum", "note")
    ]  # fmt: skip
    again = TensorReader(signature, 100).tensors(inputs, memoryview(b""))
    numpy.testing.assert_array_equal(again["numbers"], trained["numbers"])
    assert again["strings"].tolist() == trained["strings"].tolist()


def test_a_time_is_written_as_text_and_read_as_seconds(tmp_path: Path) -> None:
    dates = [*(f"2026-01-{number + 1:02}" for number in range(28)), "nie", "nie"]
    lines = ["id,seen,y", *(f"{number},{text},{number}" for number, text in enumerate(dates))]
    (tmp_path / "d.csv").write_text("\n".join(lines), encoding="utf-8")
    data = {
        "sources": {"d": {"csv": {"path": "d.csv", "missing": ["nie"]}}},
        "columns": {"id": "id", "seen": {"type": "time", "missing": 0.5}, "y": "number"},
    }
    signature, rows, inputs = packaged(tmp_path, data, ["seen"], [])
    trained = pack(rows, inputs)["numbers"]
    asked = [dates[int(name)] for name in rows["id"]]
    served = RowReader(signature, 100).tensors([{"seen": value} for value in asked])
    numpy.testing.assert_array_equal(served["numbers"], trained)
    numbers = [None if math.isnan(value) else value for value in trained[:, 0].tolist()]
    assert numbers[asked.index("2026-01-01")] == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    column = {"name": "seen", "datatype": "BYTES", "shape": [30], "data": asked}
    packed = {"name": "numbers", "datatype": "FP64", "shape": [30, 1], "data": numbers}
    for tensor in (column, packed):
        read = TensorReader(signature, 100).tensors([tensor], memoryview(b""))
        numpy.testing.assert_array_equal(read["numbers"], trained)


@pytest.mark.parametrize("value", [1767225600, True, "soon", "12:00", 0.5])
def test_what_is_no_time_is_refused(tmp_path: Path, value: object) -> None:
    lines = ["id,seen,y", *(f"{number},2026-01-{number + 1:02},{number}" for number in range(30))]
    (tmp_path / "d.csv").write_text("\n".join(lines), encoding="utf-8")
    data = {"sources": {"d": "d.csv"}, "columns": {"id": "id", "seen": "time", "y": "number"}}
    signature, _, _ = packaged(tmp_path, data, ["seen"], [])
    with pytest.raises(RequestError, match="`seen` must be a date or time such as"):
        RowReader(signature, 100).tensors([{"seen": value}])
