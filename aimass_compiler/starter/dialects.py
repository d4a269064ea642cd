"""How a file of separated values is written: encoding, separator, quotes, header, and what is above it."""

from __future__ import annotations

import contextlib
import csv
import itertools
import math
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.sources import _cells, _text
from aimass_compiler.catalog.sources.csv import Csv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SEPARATORS = (",", ";", "\t", "|")
#: Ways to write quotes, the usual one first: another is tried only where it does not read.
_QUOTINGS: tuple[Mapping[str, str], ...] = ({}, {"escape": "\\"}, {"quote": "'"}, {"quote": "none"})
_SAMPLED_LINES = 1000
_SAMPLED_CHARACTERS = 1 << 20
_SNIFFED_CHARACTERS = 1 << 16
_FEW = 5
_MOST = 0.5
#: Whether there are several columns, the share of rows as wide as the header (roughly, then exactly), how
#: usual the quotes are, and the width.
_Score = tuple[bool, float, int, float, int]
_MOST_SKIPPED = 50
_EXCELS_LINE = re.compile(r"^\"?sep=(.)\"?\s*$", re.IGNORECASE)
#: cp1252 says nothing of these bytes, which latin-1 has as control characters.
_NOT_WINDOWS = frozenset(b"\x81\x8d\x8f\x90\x9d")


def detect(path: Path, shown_as: str) -> Csv:
    """The dialect by which the whole file reads; raises UnreadableError."""
    encoding = _encoding(str(path))
    sample = Sample.of(str(path), encoding)
    keys = _keys_of(sample)
    dialect = Csv.model_validate({"path": shown_as, **keys})
    return dialect.model_copy(update={"encoding": encoding})


def _encoding(location: str) -> str:
    start = _text.beginning(location, _SNIFFED_CHARACTERS)
    marked = next((name for mark, name in _text.MARKS_OF_ENCODINGS.items() if start.startswith(mark)), "")
    if marked:
        return marked
    if start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    if start[::2].count(0) > len(start) // 4:
        return "utf-16-be"
    odd = _text.bytes_beyond_utf_8(location)
    if odd is None:
        return "utf-8"
    return "latin-1" if _NOT_WINDOWS & set(odd) else "cp1252"


@dataclass(frozen=True)
class Sample:
    """The first lines of a file."""

    lines: tuple[str, ...]
    is_cut: bool
    """Whether the file goes on, perhaps within quotes."""

    @classmethod
    def of(cls, location: str, encoding: str) -> Sample:
        """So many lines as show how all are written."""
        kept: list[str] = []
        size = 0
        with _text.opened(location, encoding) as lines:
            for line in lines:
                if len(kept) == _SAMPLED_LINES or size > _SAMPLED_CHARACTERS:
                    return cls(tuple(kept), is_cut=True)
                kept.append(line)
                size += len(line)
        return cls(tuple(kept), is_cut=False)

    def rows(self, keys: Mapping[str, Any], *, may_break: bool = False) -> list[list[str]]:
        """The header and the rows, where it `may_break` up to a fault; else raises csv.Error."""
        dialect = Csv.model_validate({"path": "sample", **keys, "header": ["-"]})
        rows: list[list[str]] = []
        try:
            rows += filter(any, _cells.Cells(self.lines, dialect))
        except csv.Error as error:
            if not may_break and not (self.is_cut and "unexpected end" in str(error)):
                raise
        return rows


def _keys_of(sample: Sample) -> dict[str, Any]:
    """What the dialect says beside its encoding, where it is not the default."""
    sniffed = _sniffed(sample)
    above = _lines_above(sample, sniffed)
    keys = _of_values(sample, above, sniffed)
    keys |= {} if "skip" in keys else _title(sample, keys)
    keys |= _header(sample, keys)
    keys |= {"strip": True} if _is_padded(sample.rows(keys, may_break=True)) else {}
    return keys


def _sniffed(sample: Sample) -> dict[str, Any]:
    """What DuckDB makes of the sample; nothing where it makes none of it."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.csv"
        path.write_text(_start(sample), encoding="utf-8", newline="")
        query = "SELECT Delimiter, Comment, SkipRows, HasHeader FROM sniff_csv(?, null_padding = true)"
        try:
            with duckdb.connect() as connection:
                row = connection.execute(query, [str(path)]).fetchone()
        except duckdb.Error:
            return {}
    known = ("separator", "comment", "skip", "has_header")
    return dict(zip(known, row, strict=True)) if row else {}


def _start(sample: Sample) -> str:
    """As much as DuckDB reads in no time: of wide tables a few lines."""
    lengths = itertools.accumulate(len(line) for line in sample.lines)
    count = sum(length < _SNIFFED_CHARACTERS for length in lengths)
    return "".join(sample.lines[: max(count, _FEW)])


def _lines_above(sample: Sample, sniffed: Mapping[str, Any]) -> dict[str, Any]:
    """Excel's line `sep=;`, comments, and lines of prose above the header."""
    lines = [line.rstrip("\r\n") for line in sample.lines]
    if found := _EXCELS_LINE.match(lines[0] if lines else ""):
        return {"skip": 1, "separator": found[1]}
    above = _comment(lines)
    skip = int(sniffed.get("skip") or 0)
    if not above and 0 < skip <= _MOST_SKIPPED and any(line.strip() for line in lines[:skip]):
        above["skip"] = skip
    return above


def _title(sample: Sample, keys: Mapping[str, Any]) -> dict[str, Any]:
    """How many lines of another shape stand above rows that all have as many values."""
    dialect = Csv.model_validate({"path": "sample", **keys, "header": ["-"]})
    rows: list[tuple[int, list[str]]] = []
    with contextlib.suppress(csv.Error):
        rows += _cells.Cells(sample.lines, dialect, is_numbered=True).numbered()
    widths = [len(row) for _, row in rows]
    usual = _usual(widths)
    if rows and _named(rows[0][1]) == usual:
        return {}
    first = widths.index(usual) if usual else 0
    # A header of one name less is R's, which does not name the rows; it is no title.
    is_of_r = first == 1 and usual - widths[0] == 1
    if not first or usual == 1 or is_of_r or len(widths) - first <= _FEW:
        return {}
    is_title = set(widths[first:]) == {usual} and first <= _MOST_SKIPPED
    return {"skip": rows[first][0] - 1} if is_title else {}


def _named(header: list[str]) -> int:
    """How many names a header has: the separator at its end begins none."""
    return max((place for place, name in enumerate(header, 1) if name), default=0)


def _usual(widths: list[int]) -> int:
    return Counter(widths).most_common(1)[0][0] if widths else 0


def _comment(lines: list[str]) -> dict[str, Any]:
    """Lines that begin with `#`, unless these are values of many rows; the last may be a header."""
    commented = [place for place, line in enumerate(lines) if line.startswith("#")]
    first = next((place for place, line in enumerate(lines) if not line.startswith("#")), 0)
    commented = [place for place in commented if place < first or not _is_row(lines[place], lines[first])]
    if not commented or 2 * len(commented) > len(lines):
        return {}
    header = next((place - 1 for place, line in enumerate(lines) if not line.startswith("#")), -1)
    if header < 0 or not _is_like(lines[header], lines[header + 1]):
        return {"comment": "#"}
    if all(lines[place].startswith("##") for place in commented if place != header) and len(commented) > 1:
        return {"comment": "##"}
    return {"skip": header} if header else {}


def _is_row(line: str, header: str) -> bool:
    """Whether a line begins with a value such as `#N/A` or `#12`, and has as many values as the header."""
    return line[1:2].isalnum() and _is_like(line, header)


def _is_like(line: str, other: str) -> bool:
    return any(line.count(sign) == other.count(sign) > 0 for sign in _SEPARATORS)


def _of_values(sample: Sample, above: Mapping[str, Any], sniffed: Mapping[str, Any]) -> dict[str, Any]:
    """What stands between values and around them: what splits most rows alike, into the most values."""
    declared = above.get("separator")
    guess = sniffed.get("separator")
    signs = (
        [declared] if declared else list(dict.fromkeys((*_SEPARATORS, *([guess] if _is_sign(guess) else []))))
    )
    candidates: list[tuple[_Score, dict[str, Any]]] = []
    for separator in signs:
        keys = {**above, **({} if separator == "," else {"separator": separator})}
        candidates += _by_quoting(sample, keys)
    (has_columns, share, *_), keys = max(candidates, key=lambda candidate: candidate[0])
    if declared or (has_columns and share > _MOST):
        return keys
    spaced = {**above, "separator": " ", "strip": True}
    found = _fit(sample, spaced)
    return spaced if found is not None and found[0] == 1 and found[1] > 1 else keys


def _by_quoting(sample: Sample, keys: dict[str, Any]) -> Iterator[tuple[_Score, dict[str, Any]]]:
    """The usual quotes where they read the sample; else others that split all rows alike, or the usual ones
    up to their fault, so that it is reported."""
    for place, quoting in enumerate(_QUOTINGS):
        other = {**keys, **quoting}
        if (found := _fit(sample, other)) is not None and (not quoting or found[0] == 1):
            share, width = found
            yield (width > 1, round(share, 1), -place, share, width), other
            if not quoting:
                yield from _in_single_quotes(sample, keys, share)
                return
    width = len(next(iter(sample.rows(keys, may_break=True)), []))
    yield (width > 1, 0.0, -len(_QUOTINGS), 0.0, width), keys


def _in_single_quotes(
    sample: Sample, keys: dict[str, Any], usual: float
) -> Iterator[tuple[_Score, dict[str, Any]]]:
    """Where double quotes do not occur, single ones may, and split rows alike that were unlike before."""
    other = {**keys, "quote": "'"}
    found = None if usual == 1 or _has_double_quotes(sample) else _fit(sample, other)
    if found is not None and found[0] == 1:
        yield (found[1] > 1, 1.0, 0, 1.0, found[1]), other


def _has_double_quotes(sample: Sample) -> bool:
    return any('"' in line for line in sample.lines)


def _is_sign(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 1 and not value.isalnum() and value not in "\"' .-_"


def _fit(sample: Sample, keys: Mapping[str, Any]) -> tuple[float, int] | None:
    """The share of rows of the usual width, and that width; None where the sample does not read."""
    if keys.get("quote") == "'" and not _has_single_quotes(sample, keys.get("separator", ",")):
        return None
    try:
        rows = sample.rows(keys)
    except csv.Error:
        return None
    if not rows:
        return 1.0, 0
    width = _usual([len(row) for row in rows])
    alike = sum(len(row) == width for row in rows)
    longer = sum(any(row[width:]) for row in rows)
    return (alike - longer) / len(rows), width


def _has_single_quotes(sample: Sample, separator: str) -> bool:
    return any(f"{separator}'" in line and f"'{separator}" in line for line in sample.lines)


def _header(sample: Sample, keys: Mapping[str, Any]) -> dict[str, Any]:
    """No header where the first line holds numbers, which name no columns."""
    rows = sample.rows(keys, may_break=True)
    first = [value.strip() for value in rows[0]] if rows else []
    numbers = [value for value in first if _is_number(value)]
    holds_values = bool(numbers) and (len(numbers) == len(first) or any("." in value for value in numbers))
    if holds_values and len(numbers) == len(first) and _look_like_years(first):
        return {}
    if not holds_values and len(rows) > 1 and numbers and 2 * len(numbers) >= len(first):
        holds_values = not _look_like_years(numbers) and not _has_word_above_numbers(first, rows[1:])
    return {"header": "none"} if holds_values else {}


def _has_word_above_numbers(first: list[str], rows: list[list[str]]) -> bool:
    """Whether a column holds numbers below a word, which then is its name."""
    columns = itertools.zip_longest(*rows, fillvalue="")
    return any(
        not _is_number(word) and all(_is_number(value.strip()) for value in column)
        for word, column in zip(first, columns, strict=False)
    )


def _look_like_years(values: list[str]) -> bool:
    numbers = [int(value) for value in values if value.isdigit()]
    return len(numbers) > 1 and all(after - before == 1 for before, after in itertools.pairwise(numbers))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def _is_padded(rows: list[list[str]]) -> bool:
    """Whether a name has spaces around it, all values of a column behind the first begin with one, or all
    of several end with one."""
    if len(rows) <= _FEW:
        return False
    names = [name.strip() for name in rows[0]]
    tells_all = all(names) and len(set(names)) == len(names) and not any(map(_is_number, names))
    if tells_all and names != rows[0]:
        return True
    columns = itertools.zip_longest(*rows[1:], fillvalue="")
    kept = [[value for value in column if value.strip()] for column in columns]
    kept = [values for values in kept if len(values) >= _FEW]
    begin = any(all(value[0] == " " for value in values) for values in kept[1:])
    return begin or sum(all(value[-1] == " " for value in values) for values in kept) > 1
