"""Strange files are read as the pipeline reads them, or refused with a way out."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from aimass_compiler.starter import InitOptions, propose
from tests.starter.projects import attempted, compiled, data_of, prepared, proposed

if TYPE_CHECKING:
    from pathlib import Path

BODY = "".join(f"{number},{'yes' if number % 3 else 'no'}\n" for number in range(60))
TABLE = "seen,y\n" + BODY


def _beside(name: str) -> bytes:
    """The table with one more column of this name."""
    return f"{name},{TABLE}".replace("\n", "\n7,", TABLE.count("\n") - 1 + name.count("\n")).encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbf" + TABLE.encode(), id="byte-order-mark"),
        pytest.param(TABLE.replace("\n", "\r\n").encode(), id="windows"),
        pytest.param(("\n\n" + TABLE).encode(), id="empty-lines-first"),
        pytest.param((TABLE + "\n\n").encode(), id="empty-lines-last"),
        pytest.param((TABLE + "61\n").encode(), id="short-row"),
        pytest.param(TABLE.replace("yes", '"a\n""b"",\r\n"').encode(), id="quoted-line-ends"),
        pytest.param(TABLE.replace("seen", '"# : {}\'%, -"').encode(), id="name-that-needs-quotes"),
        pytest.param(TABLE.replace("seen", "no").replace("y\n", "null\n").encode(), id="names-like-flags"),
        pytest.param(TABLE.replace("seen", "x" * 150).encode(), id="long-name"),
        pytest.param(TABLE.replace("seen", "Größe 😀").encode(), id="name-beyond-ascii"),
        pytest.param(_beside("a\u2028b"), id="column-with-an-invisible-name"),
        pytest.param(_beside('"a\nb"'), id="column-with-a-name-of-two-lines"),
        pytest.param(_beside("x" * 2000), id="column-with-an-endless-name"),
        pytest.param(_beside(""), id="column-without-a-name"),
    ],
)
def test_a_strange_table_is_understood(tmp_path: Path, content: bytes) -> None:
    prepared(compiled(proposed(tmp_path, "data/x.csv", content)), tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "code", "told"),
    [
        ("x.csv", b"", "AM063", "empty"),
        ("x.csv", b"seen,y\n", "AM063", "no rows"),
        ("x.csv", b"a,a\n1,2\n", "AM063", "no column can be predicted"),
        ("x.csv", (TABLE + "1,2,3\n").encode(), "AM060", "line 62 has 3 values"),
        (
            "x.csv",
            (TABLE + '1,"open, yes\n').encode(),
            "AM060",
            'line 62, column `y`: a quote (") opens here',
        ),
        ("x.csv", b"a,b\n1,1\n1,1\n", "AM063", "no column can be predicted"),
        ("x.csv", b"a\n1\n2\n3\n", "AM063", "no feature"),
        ("x.jsonl", b"", "AM063", "no rows"),
        ("x.jsonl", b'{"a": 1}\n{"a": \n', "AM060", "line 2 is not JSON"),
        ("x.jsonl", b'{"a": 1}\n[1]\n', "AM060", "line 2 is not an object"),
        ("x.jsonl", b'{"a": NaN}\n', "AM060", "NaN is not valid JSON"),
        ("x.jsonl", b'{"a": "\\ud800"}\n', "AM060", "unpaired surrogate"),
        ("x.jsonl", b'{"a": 1}\n{"a": true}\n', "AM063", "no column can be predicted"),
        ("x.jsonl", b"[" * 100_000, "AM060", "line 1 is not JSON"),
        ("x.parquet", b"nonsense", "AM060", "Parquet"),
        ("x.xlsx", b"", "AM061", "no kind"),
        ("a[1].csv", TABLE.encode(), "AM066", "in its name"),
    ],
)
def test_an_unusable_file_is_refused(tmp_path: Path, file: str, content: bytes, code: str, told: str) -> None:
    text, findings = attempted(tmp_path, file, content)
    assert text == ""
    assert [finding.code for finding in findings] == [code]
    assert told in findings[0].message
    assert findings[0].file == file


@pytest.mark.parametrize(
    ("target", "told"),
    [("sen", "no column sen"), ("same", "always"), ("key", "of type id"), ("note", "of type text")],
)
def test_a_target_that_cannot_be_is_refused(tmp_path: Path, target: str, told: str) -> None:
    rows = "".join(f"{n},K{n},5,word{n} and word{n + 1} again,{n % 2}\n" for n in range(120))
    text, findings = attempted(tmp_path, "x.csv", "seen,key,same,note,y\n" + rows, target)
    assert (text, findings[0].code) == ("", "AM064")
    assert told in findings[0].message


@pytest.mark.parametrize("shown_as", ["/data/x.csv", "../x.csv"])
def test_a_file_outside_of_the_project_is_refused(tmp_path: Path, shown_as: str) -> None:
    assert [finding.code for finding in propose(tmp_path / "x.csv", shown_as, "demo")[1]] == ["AM066"]


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("none.csv", "folder.csv", "pipe.csv"):
        assert [finding.code for finding in propose(tmp_path / name, name, "demo")[1]] == ["AM060"]


def test_a_name_that_a_model_cannot_have_is_refused_with_one_that_it_can(tmp_path: Path) -> None:
    _, findings, _ = propose(tmp_path / "x.csv", "x.csv", "2 Churn_Model!")
    assert findings[0].code == "AM066"
    assert "`churn-model`" in findings[0].help


@pytest.mark.parametrize(
    ("model", "told"), [("Growth/Churn", "such as `growth/churn`"), ("fleet/churn", "choose another name")]
)
def test_a_path_that_no_model_can_have_is_refused(tmp_path: Path, model: str, told: str) -> None:
    _, findings, _ = propose(tmp_path / "x.csv", "x.csv", model)
    assert findings[0].code == "AM066"
    assert told in findings[0].help


def test_parquet_columns_of_every_type(tmp_path: Path) -> None:
    count = 60
    table = pl.DataFrame(
        {
            "whole": [number % 30 for number in range(count)],
            "flag": [number % 2 == 0 for number in range(count)],
            "day": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 2, 29), eager=True),
            "moment": [f"2024-01-01T00:00:{number:02d}" for number in range(count)],
            "nested": [{"a": number} for number in range(count)],
            "bytes": [b"x"] * count,
            "gaps": [None if number % 10 == 0 else float(number) for number in range(count)],
            "y": pl.Series(["a", "b"] * (count // 2), dtype=pl.Categorical),
        }
    ).with_columns(pl.col("moment").str.to_datetime(), cost=pl.col("whole").cast(pl.Decimal(10, 2)))
    table.write_parquet(tmp_path / "x.parquet")
    text, findings, _ = propose(tmp_path / "x.parquet", "x.parquet", "demo", InitOptions("y"))
    assert findings == []
    kinds = {name: column.type for name, column in compiled(text).data.columns.items()}
    assert kinds == {
        "whole": "number", "flag": "category", "day": "time", "moment": "time", "gaps": "number",
        "y": "category", "cost": "number",
    }  # fmt: skip
    assert columns(text)["gaps"]["missing"] == 0.22  # 0.1, and three standard errors
    prepared(compiled(text), tmp_path)


def columns(text: str) -> dict[str, object]:
    return dict(data_of(text)["data"]["columns"])


@pytest.mark.parametrize(
    ("size", "shape"), [(64, [1, 8, 8]), (3 * 25, [3, 5, 5]), (65, None)], ids=["grey", "colour", "no-square"]
)
def test_lists_of_numbers_are_images_where_they_make_a_square(
    tmp_path: Path, size: int, shape: list[int] | None
) -> None:
    rows = [{"picture": [0.5] * size, "weight": n % 20, "y": "ab"[n % 2]} for n in range(60)]
    text = proposed(tmp_path, "x.jsonl", "\n".join(map(json.dumps, rows)))
    if shape is None:
        assert columns(text)["picture"] == {"type": "series", "length": size}
    else:
        assert columns(text)["picture"] == {"type": "image", "shape": shape}
    assert list(columns(text)) == ["picture", "y"]
    prepared(compiled(text), tmp_path)


@pytest.mark.parametrize("library", ["polars", "duckdb", "orjson"])
def test_what_reading_needs_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    _, findings = attempted(tmp_path, "x.csv", TABLE)
    assert findings[0].code == "AM065"
    assert library in findings[0].message
    assert "aimass-compiler[run]" in findings[0].help
