"""What a file's dialect is, is found out, written into the spec and read so: by init and by run alike."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from typing import TYPE_CHECKING, Any

import polars
import pyarrow
import pytest

from aimass_compiler.conventions import SPLITS
from tests.starter.projects import attempted, compiled, data_of, prepared, proposed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = 60


def table(value: Callable[[int], str], separator: str = ",", header: str = "n{0}seen{0}y") -> str:
    """A counter, a column of these values and a target."""
    lines = [f"{n}{separator}{value(n)}{separator}{'yes' if n * 7 % 10 < 4 else 'no'}" for n in range(ROWS)]
    return "\n".join([header.format(separator), *lines]) + "\n"


def read(root: Path, text: str) -> list[Any]:
    """The values of the column `seen` as the pipeline prepares them, in the file's order."""
    pipeline = compiled(text)
    prepared(pipeline, root)
    folder = root / "artifacts/demo/prepare"
    rows = polars.concat([polars.read_parquet(folder / f"{name}.parquet") for name in SPLITS])
    return rows.sort(polars.col("n").cast(polars.Int64))["seen"].to_list()


def cycled(*values: str) -> Callable[[int], str]:
    return lambda n: values[n % len(values)]


PLAIN = table(cycled("1.5", "20"))
DIALECTS: dict[str, tuple[str | bytes, dict[str, Any], list[Any]]] = {
    "a quote within a value": (table(cycled('TV 27" LED', "radio")), {}, ['TV 27" LED', "radio"]),
    "quotes that are plain": (
        table(cycled('"Nah" I think', 'it is 5" long'), "\t"),
        {"separator": "\t", "quote": "none"},
        ['"Nah" I think', 'it is 5" long'],
    ),
    "quotes behind backslashes": (
        table(cycled('"she said \\"no, thanks\\""', '"fine"')),
        {"escape": "\\"},
        ['she said "no, thanks"', "fine"],
    ),
    "doubled quotes, separators and line ends": (
        table(cycled('"a ""b"", c"', '"d\ne"')),
        {},
        ['a "b", c', "d\ne"],
    ),
    "single quotes": (table(cycled("'a, b'", "'c'")), {"quote": "'"}, ["a, b", "c"]),
    "Excel's separator line": (
        "sep=;\n" + table(cycled("a", "b"), ";"),
        {"separator": ";", "skip": 1},
        ["a", "b"],
    ),
    "comments": ("# exported\n# by hand\n" + table(cycled("a", "b")), {"comment": "#"}, ["a", "b"]),
    "comments in the middle": (
        table(cycled("a", "b")).replace("\n9,", "\n# more\n9,"),
        {"comment": "#"},
        ["a", "b"],
    ),
    "marks that begin like comments": (
        "seen,n,y\n" + "".join(f"{('#N/A', 1.5, 20)[n % 3]},{n},{n % 7 < 3}\n" for n in range(ROWS)),
        {"missing": ["", "#N/A"]},
        [None, 1.5, 20],
    ),
    "a header that repeats": (
        table(cycled("1", "2")).replace("\n9,", "\nn,seen,y\n9,"),
        {},
        [1, 2],
    ),
    "names that are mostly numbers": (
        "n,5,1e3,seen,7,y\n"
        + "".join(f"{n},x{n % 2},b{n % 3},{n % 3},c{n % 5},{n % 7 < 3}\n" for n in range(ROWS)),
        {},
        [0, 1, 2],
    ),
    "a separator at the end of the header alone": (PLAIN.replace("y\n", "y,\n", 1), {}, [1.5, 20]),
    "spaces around names alone": (
        table(cycled("a", "b"), ",", " n, seen, y "),
        {"strip": True},
        ["a", "b"],
    ),
    "a title": ("Report of May\n\n" + table(cycled("a", "b")), {"skip": 2}, ["a", "b"]),
    "spaces behind commas": (
        table(cycled(" a", " b"), ",", "n, seen, y").replace(",yes", ", yes").replace(",no", ", no"),
        {"strip": True},
        ["a", "b"],
    ),
    "spaces between columns": (table(cycled("1", "10"), "   "), {"separator": " ", "strip": True}, [1, 10]),
    "a separator at the end": (PLAIN.replace("\n", ",\n"), {}, [1.5, 20]),
    "decimal commas": (table(cycled("1,5", "20"), ";"), {"separator": ";", "decimal": ","}, [1.5, 20]),
    "decimal commas in quotes": (table(cycled('"1,5"', '"2,25"')), {"decimal": ","}, [1.5, 2.25]),
    "thousands of the English": (
        table(cycled('"1,000.50"', '"12,345"')),
        {"thousands": ","},
        [1000.5, 12345],
    ),
    "thousands of Germans": (
        table(cycled("1.234", "12,5"), ";"),
        {"separator": ";", "decimal": ",", "thousands": "."},
        [1234, 12.5],
    ),
    "thousands of the Swiss": (table(cycled("1'234.50", "12")), {"thousands": "'"}, [1234.5, 12]),
    "thousands of the French": (
        table(cycled("1\u202f234,50", "12"), ";"),
        {"separator": ";", "decimal": ",", "thousands": "\u202f"},
        [1234.5, 12],
    ),
    "thousands behind spaces that do not break": (
        table(cycled("1\u00a0234", "12\u00a0345.5")),
        {"thousands": "\u00a0"},
        [1234, 12345.5],
    ),
    "thousands behind thin spaces": (
        table(cycled("1\u2009234", "\u22121\u2009234")),
        {"thousands": "\u2009", "signs": {"seen": "\u2212"}},
        [1234, -1234],
    ),
    "minuses of typographers": (
        table(cycled("\u22121.5", "20", "\u2212$3")),
        {"signs": {"seen": ["\u2212", "$"]}},
        [-1.5, 20, -3],
    ),
    "dashes for minuses and for nothing": (
        table(cycled("\u20131.5", "\u2013", "20")),
        {"signs": {"seen": "\u2013"}, "missing": ["", "\u2013"]},
        [-1.5, None, 20],
    ),
    "thousands of Indians": (table(cycled('"12,34,567"', '"1,234"')), {"thousands": ","}, [1234567, 1234]),
    "percents": (table(cycled("12%", "3.5 %")), {"signs": {"seen": "%"}}, [12, 3.5]),
    "units": (table(cycled("12 kg", "3.5kg")), {"signs": {"seen": "kg"}}, [12, 3.5]),
    "words among numbers": (
        table(lambda n: "Total" if n == 2 else str(n + 0.5)),
        {"missing": ["", "Total"]},
        [0.5, 1.5, None],
    ),
    "marks of spreadsheets and Python": (
        table(cycled("1", "None", "#DIV/0!", "2")),
        {"missing": ["", "#DIV/0!", "None"]},
        [1, None, None, 2],
    ),
    "currencies": (table(cycled("$1.50", "-$20")), {"signs": {"seen": "$"}}, [1.5, -20]),
    "euros behind": (
        table(cycled("1.234,50 €", "12 €"), ";"),
        {"separator": ";", "decimal": ",", "thousands": ".", "signs": {"seen": "€"}},
        [1234.5, 12],
    ),
    "accountants": (
        table(cycled('"$1,234.50"', '"($20.00)"')),
        {"thousands": ",", "signs": {"seen": ["$", "()"]}},
        [1234.5, -20],
    ),
    "marks": (table(cycled("1", "NA", "2")), {"missing": ["", "NA"]}, [1, None, 2]),
    "a mark of somebody's own": (
        table(lambda n: str(n) if n % 3 else "k.A."),
        {"missing": ["", "k.A."]},
        [None, 1, 2],
    ),
    "such a mark among dates": (
        table(lambda n: f"{n % 28 + 1:02}.{n // 28 + 1:02}.2023" if n % 3 else "nie"),
        {"dates": {"seen": "%d.%m.%Y"}, "missing": ["", "nie"]},
        [None, "2023-01-02", "2023-01-03"],
    ),
    "a word beside few numbers": (table(cycled("1", "2", "more")), {}, ["1", "2", "more"]),
    "a question mark among categories": (
        table(cycled("private", "?", "state")),
        {"missing": ["", "?"]},
        ["private", None, "state"],
    ),
    "a sentinel of a gap": (table(cycled("3", "-200", "2")), {"missing": ["", "-200"]}, [3, None, 2]),
    "a sentinel with decimals": (
        table(cycled("3,5", "-999,0", "2,1"), ";"),
        {"separator": ";", "decimal": ",", "missing": ["", "-999,0"]},
        [3.5, None, 2.1],
    ),
    "-999 among numbers below 0": (table(cycled("3", "-999", "-2")), {}, [3, -999, -2]),
    "a name that is a mark elsewhere": (table(cycled("NA", "DE", "FR")), {}, ["NA", "DE", "FR"]),
    "days first": (
        table(lambda n: f"{n % 28 + 1:02}/03/2023"),
        {"dates": {"seen": "%d/%m/%Y"}},
        [f"2023-03-{day:02}" for day in (1, 2, 3)],
    ),
    "months first": (
        table(lambda n: f"03/{n % 28 + 1:02}/2023"),
        {"dates": {"seen": "%m/%d/%Y"}},
        [f"2023-03-{day:02}" for day in (1, 2, 3)],
    ),
    "dates with points": (
        table(lambda n: f"{n % 28 + 1}.12.23"),
        {"dates": {"seen": "%d.%m.%y"}},
        [f"2023-12-{day:02}" for day in (1, 2, 3)],
    ),
    "names of months": (
        table(lambda n: f"{n % 28 + 1:02}-Dec-2023"),
        {"dates": {"seen": "%d-%b-%Y"}},
        [f"2023-12-{day:02}" for day in (1, 2, 3)],
    ),
    "hours of two halves": (
        table(lambda n: f"12/{n % 18 + 13}/2023 1:05 PM"),
        {"dates": {"seen": "%m/%d/%Y %I:%M %p"}},
        [f"2023-12-{day}T13:05:00" for day in (13, 14, 15)],
    ),
    "moments of PostgreSQL": (
        table(lambda n: f"2023-01-01 00:00:{n % 60:02}.12+00"),
        {},
        [f"2023-01-01 00:00:0{second}.12+00" for second in range(3)],
    ),
    "moments of BigQuery": (
        table(lambda n: f"2023-01-01 00:00:{n % 60:02} UTC"),
        {},
        [f"2023-01-01 00:00:0{second} UTC" for second in range(3)],
    ),
    "UTF-16": (table(cycled("é", "b")).encode("utf-16"), {"encoding": "utf-16"}, ["é", "b"]),
    "Windows": (table(cycled("é€", "b")).encode("cp1252"), {"encoding": "cp1252"}, ["é€", "b"]),
    "a byte order mark": (b"\xef\xbb\xbf" + PLAIN.encode(), {}, [1.5, 20]),
    "ends of old Macintoshes": (PLAIN.replace("\n", "\r"), {}, [1.5, 20]),
    "ends of Windows": (PLAIN.replace("\n", "\r\n"), {}, [1.5, 20]),
    "no end": (PLAIN.rstrip("\n"), {}, [1.5, 20]),
    "a short row at the top": (PLAIN.replace("\n1,", "\n99,7\n1,", 1), {}, [1.5, 20]),
    "a cell beyond all limits": (
        table(lambda n: "word " * (30_000 if n == 5 else n % 2 + 1)),
        {},
        ["word ", "word word "],
    ),
    "characters without meaning": (table(cycled("a\0b", "c")), {}, ["a\0b", "c"]),
    "two columns beside one suffix": (
        table(cycled("1", "2"), ",", "n{0}seen{0}y").replace("y\n", "n_duplicated_0\n", 1),
        {},
        [1, 2],
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect(tmp_path: Path, name: str) -> None:
    content, keys, values = DIALECTS[name]
    text = proposed(tmp_path, "x.csv", content)
    source = data_of(text)["data"]["sources"]["x"]
    assert source == ({"csv": {"path": "x.csv", **keys}} if keys else "x.csv")
    found = read(tmp_path, text)
    assert found[: len(values)] == values


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("inner.csv", content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("xz", lzma.compress),
        ("zip", zipped),
        ("zst", lambda content: bytes(pyarrow.Codec("zstd").compress(content))),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_packed_file(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes], kind: str) -> None:
    objects = "".join(f'{{"n": {n}, "seen": {n % 2 + 0.5}, "y": "{"ab"[n % 2]}"}}\n' for n in range(ROWS))
    content = PLAIN if kind == "csv" else objects
    text = proposed(tmp_path, f"data/x.{kind}.{suffix}", pack(content.encode()))
    assert data_of(text)["data"]["sources"] == {"x": f"data/x.{kind}.{suffix}"}
    assert len(read(tmp_path, text)) == ROWS


def test_days_and_months_that_could_change_places_are_pointed_out(tmp_path: Path) -> None:
    text = proposed(tmp_path, "x.csv", table(lambda n: f"{n % 12 + 1:02}/{n % 11 + 1:02}/2023"))
    assert "`01/01/2023` is read as `%d/%m/%Y`, but `%m/%d/%Y` fits all values, too" in text


def test_another_column_proves_what_comes_first(tmp_path: Path) -> None:
    text = proposed(
        tmp_path,
        "x.csv",
        table(lambda n: f"{n % 12 + 1:02}/02/2023,{n % 12 + 1:02}/{n % 28 + 1}/2023", ",", "n,seen,until,y"),
    )
    dates = data_of(text)["data"]["sources"]["x"]["csv"]["dates"]
    assert dates == {"seen": "%m/%d/%Y", "until": "%m/%d/%Y"}


def test_thousands_that_could_be_decimals_are_pointed_out(tmp_path: Path) -> None:
    text = proposed(tmp_path, "x.csv", table(lambda n: f"{n % 9 + 1},{n % 8}00", ";"))
    assert "`1,000` is read as 1.000, not as 1000" in text


def test_a_word_that_is_taken_for_a_mark_is_pointed_out(tmp_path: Path) -> None:
    text = proposed(tmp_path, "x.csv", table(lambda n: str(n / 8) if n % 3 else "unknown"))
    assert "`unknown` is read as missing" in text


@pytest.mark.parametrize(
    ("keys", "cell", "said"),
    [
        (
            "decimal: ','",
            "1.234",
            "has 1 value that does not fit `decimal: ','` and no `thousands` (line 7: '1.234')",
        ),
        ("decimal: ',', thousands: '.'", "1.23", "(line 7: '1.23')"),
        ("thousands: ','", '"1,5"', "(line 7: '1,5')"),
        ("signs: {seen: $}", "5 USD", "(line 7: '5 USD')"),
    ],
)
def test_a_number_in_another_notation_is_an_error(tmp_path: Path, keys: str, cell: str, said: str) -> None:
    from aimass_compiler.runtime.failure import StageFailure

    separator = "," if '"' in cell else ";"
    text = proposed(tmp_path, "x.csv", table(str, separator))
    text = (
        text.replace("x.csv\n", f"{{csv: {{path: x.csv, separator: '{separator}', {keys}}}}}\n")
        if separator == ","
        else text.replace("separator: ;", f"separator: ;, {keys}").replace(
            "separator: ';'", f"separator: ';', {keys}"
        )
    )
    (tmp_path / "x.csv").write_text(table(lambda n: cell if n == 5 else str(n), separator))
    with pytest.raises(StageFailure) as failure:
        prepared(compiled(text), tmp_path)
    assert said in failure.value.message
    assert failure.value.help


def test_columns_that_nobody_declares_may_hold_anything(tmp_path: Path) -> None:
    lines = [
        f'{{"n": {n}, "seen": {n}, "meta": {("[1, 2]", "{}", "7")[n % 3]}, "y": "{"ab"[n % 2]}"}}'
        for n in range(ROWS)
    ]
    text = proposed(tmp_path, "x.jsonl", "\n".join(lines))
    assert "#   meta: it holds values of several types: list, number, object" in text
    assert read(tmp_path, text) == list(range(ROWS))


def test_a_file_without_a_line_of_names(tmp_path: Path) -> None:
    text = proposed(
        tmp_path, "x.csv", "".join(f"{n % 7}.{n % 10},{n % 3},{'ab'[n % 2]}\n" for n in range(ROWS))
    )
    data = data_of(text)["data"]
    assert data["sources"] == {"x": {"csv": {"path": "x.csv", "header": "none"}}}
    assert list(data["columns"]) == ["column_1", "column_2", "column_3"]
    prepared(compiled(text), tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PLAIN + '99,"open\n', 'line 62, column `seen`: a quote (") opens here and is never closed'),
        (PLAIN + '99,"x" y, z,no\n' + PLAIN[9:] * 2, "line 62"),
        (PLAIN + "99,1,no,more\n", "line 62 has 4 values, but the header has 3"),
        (gzip.compress(PLAIN.encode())[:-20], "truncated or corrupt"),
    ],
)
def test_a_fault_is_placed(tmp_path: Path, content: str | bytes, said: str) -> None:
    _, findings = attempted(tmp_path, "x.csv", content)
    assert [finding.code for finding in findings] == ["AM060"]
    assert said in findings[0].message
    assert findings[0].help


def test_times_of_day_are_names_and_it_is_said(tmp_path: Path) -> None:
    for values in (cycled("13:45", "9:05"), lambda n: f"{n % 12 + 1}:{n % 60:02} PM"):
        text = proposed(tmp_path, "x.csv", table(values))
        assert "are read as names, without order: write minutes as a number instead" in text
        assert read(tmp_path, text)


def test_what_is_said_of_columns_that_are_left_out_is_left_out(tmp_path: Path) -> None:
    text = proposed(tmp_path, "x.csv", table(lambda n: f"$5,{n % 3}%", ",", "n,always,seen,y"))
    assert data_of(text)["data"]["sources"]["x"] == {"csv": {"path": "x.csv", "signs": {"seen": "%"}}}
    text = proposed(tmp_path, "x.csv", table(lambda n: f"$5,{n % 3}", ",", "n,always,seen,y"))
    assert data_of(text)["data"]["sources"]["x"] == "x.csv"


def test_spaces_that_look_like_plain_ones_are_written_visibly(tmp_path: Path) -> None:
    text = proposed(tmp_path, "x.csv", table(cycled("1\u00a0234", "12\u00a0345")))
    assert 'thousands: "\\u00a0"' in text
