"""A data file as a source of the spec and as rows, one at a time; its name tells its kind."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aimass_compiler.starter.decimals import with_point
from aimass_compiler.starter.reading_csv import rows_of_csv, separator_of
from aimass_compiler.starter.reading_jsonl import rows_of_jsonl
from aimass_compiler.starter.reading_parquet import rows_of_parquet
from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from pathlib import Path

Row = Mapping[str, Any]

_KINDS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {"jsonl": rows_of_jsonl, "parquet": rows_of_parquet}


@dataclass(frozen=True)
class DataFile:
    """What `data.sources` says of the file, and its rows as strings, numbers, flags, lists and None.

    Iterating over the rows raises UnusableDataError.
    """

    source: Any
    rows: Iterator[Row]
    is_csv: bool = False
    """Whether it can be declared what stands for missing values, and before decimals."""
    may_have_commas: bool = False
    """Whether commas within values can stand before decimals, because none stand between values."""
    marks: tuple[str, ...] = ()
    """The words that are."""


def open_data(
    path: Path, shown_as: str, marks: tuple[str, ...] = (), *, has_decimal_commas: bool = False
) -> DataFile:
    """The file, read as far as its kind needs; raises UnusableDataError.

    `marks` are words that stand for missing values. Only a csv source can be told them, and of commas.
    """
    suffix = path.suffix.lower()
    kind = _KINDS.get(suffix)
    if kind is None:
        hint = f"known are {', '.join(_KINDS)}; compressed files are unpacked first"
        raise UnusableDataError("AM061", f"`{shown_as}` is of no kind that is known by its name", hint)
    _check_is_file(path, shown_as)
    if kind != "csv":
        is_told_by_name = suffix == f".{kind}"
        return DataFile(shown_as if is_told_by_name else {kind: shown_as}, _READERS[kind](path))
    separator = separator_of(path)
    parameters: dict[str, Any] = {} if suffix == ".csv" and separator == "," else {"separator": separator}
    if has_decimal_commas:
        parameters["decimal"] = ","
    if marks:
        parameters["missing"] = ["", *marks]
    source = {"csv": {"path": shown_as, **parameters}} if parameters else shown_as
    rows: Iterator[Row] = rows_of_csv(path, separator)
    if marks or has_decimal_commas:
        rows = _as_declared(rows, frozenset(marks), has_decimal_commas=has_decimal_commas)
    return DataFile(source, rows, is_csv=True, may_have_commas=separator != ",", marks=marks)


def _as_declared(rows: Iterator[Row], marks: frozenset[str], *, has_decimal_commas: bool) -> Iterator[Row]:
    """The rows as the pipeline reads them: nothing where a mark stands, and points before decimals."""
    for row in rows:
        known = {name: None if value in marks else value for name, value in row.items()}
        if has_decimal_commas:
            known = {name: value and with_point(value) for name, value in known.items()}
        yield known


def _check_is_file(path: Path, shown_as: str) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        hint = "paths start at the folder that you are in"
        raise UnusableDataError("AM060", f"there is no file `{shown_as}`", hint) from None
    except (OSError, ValueError) as error:
        raise UnusableDataError("AM060", f"`{shown_as}` cannot be read: {error}") from None
    if not stat.S_ISREG(mode):
        raise UnusableDataError("AM060", f"`{shown_as}` is not a file", "name one file")
