"""A data file as a source of the spec and as rows, one at a time; its name tells its kind."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


def open_data(path: Path, shown_as: str) -> DataFile:
    """The file, read as far as its kind needs; raises UnusableDataError."""
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
    is_plain = suffix == ".csv" and separator == ","
    source = shown_as if is_plain else {"csv": {"path": shown_as, "separator": separator}}
    return DataFile(source, rows_of_csv(path, separator))


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
