"""A data file as a source of the spec, and what its columns hold; its name says its kind."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from aimass_compiler.catalog.source import EmptyFileError, UnreadableError
from aimass_compiler.catalog.source_choice import PACKED
from aimass_compiler.expression.timestamp_columns import microseconds
from aimass_compiler.starter.profile import CODE_PATTERN, DataFileProfile, observe
from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars

    from aimass_compiler.catalog.source import FileSource
    from aimass_compiler.catalog.sources.csv import Csv

_KINDS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".data": "csv", ".tab": "csv", ".dat": "csv",
    ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
    ".arrow": "arrow", ".feather": "arrow",
}  # fmt: skip
#: What can be read a part at a time.
_COLUMNAR = ("parquet", "arrow")
_UNREADABLE = "AM060"
_QUOTINGS: tuple[Mapping[str, str], ...] = ({"escape": "\\"}, {"quote": "none", "escape": ""})


#: What is given how many rows have been read so far.
Seen: TypeAlias = Callable[[int], None] | None


@dataclass(frozen=True)
class DataFile:
    """What `data.sources` says of the file, and what there is to know of that."""

    source: Any
    notes: tuple[str, ...] = ()
    is_inferred_from_name: bool = False
    """Whether the file's name alone says of which kind it is."""

    def of(self, columns: Collection[str]) -> DataFile:
        """The same, without what it says of other columns: those are not read."""
        parameters = self.source.get("csv") if isinstance(self.source, dict) else None
        if not isinstance(parameters, dict):
            return self
        by_column = {key for key, value in parameters.items() if isinstance(value, dict)}
        kept = {
            key: {name: said for name, said in value.items() if name in columns}
            if key in by_column
            else value
            for key, value in parameters.items()
        }
        kept = {key: value for key, value in kept.items() if value or key not in by_column}
        return replace(self, source=_source(kept, is_inferred_from_name=self.is_inferred_from_name))


class Examined(NamedTuple):
    """A file that was read: its source, what its columns hold, and its rows."""

    data: DataFile
    observed: DataFileProfile
    rows: polars.DataFrame | polars.LazyFrame

    def remarks(self) -> list[str]:
        """What was decided about the file and its columns, and what of it is not in the rows."""
        columns = self.observed.columns.items()
        told = [(name, said) for name, column in columns for said in (column.note, column.fault) if said]
        return [*self.data.notes, *(f"`{name}`: {said}" for name, said in told)]


def opened(
    path: Path, shown_as: str, seen: Seen = None
) -> tuple[polars.DataFrame | polars.LazyFrame, list[str]]:
    """The rows of a file, columnar ones not read yet, and how they differ from what the file says.

    Raises UnusableDataError.
    """
    kind, _ = _kind(path, shown_as)
    if kind not in _COLUMNAR:
        examined = examine(path, shown_as, seen)
        return examined.rows, examined.remarks()
    _check_is_file(path, shown_as)
    _check_extra()
    try:
        return _scanned(path, kind), []
    except UnreadableError as error:
        raise UnusableDataError(_UNREADABLE, error.message, error.hint) from None


def examine(path: Path, shown_as: str, seen: Seen = None) -> Examined:
    """Read the whole file as the pipeline will, telling `seen` the rows so far; raises UnusableDataError."""
    kind, is_inferred_from_name = _kind(path, shown_as)
    _check_is_file(path, shown_as)
    _check_extra()
    try:
        if kind == "csv":
            return _separated(path, shown_as, seen, is_inferred_from_name=is_inferred_from_name)
        source = shown_as if is_inferred_from_name else {kind: shown_as}
        columns, rows = _objects(path, seen) if kind == "jsonl" else _table(path, kind)
        frame = _scanned(path, kind) if kind in _COLUMNAR else _framed(columns)
    except EmptyFileError as error:
        raise UnusableDataError("AM063", error.message, error.hint) from None
    except UnreadableError as error:
        raise UnusableDataError(_UNREADABLE, error.message, error.hint) from None
    except OSError as error:
        raise UnusableDataError(_UNREADABLE, f"reading stopped: {error.strerror or error}") from None
    return Examined(DataFile(source), observe(rows, columns), frame)


def _framed(columns: Mapping[str, Any]) -> polars.DataFrame:
    """Values of any types as a table; a column that mixes them is one of texts."""
    import polars

    return polars.DataFrame([polars.Series(name, values, strict=False) for name, values in columns.items()])


def _kind(path: Path, shown_as: str) -> tuple[str, bool]:
    """The kind, and whether a spec knows it from the name alone."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    kind = _KINDS.get(suffix)
    if kind is None:
        hint = f"known are {', '.join(_KINDS)}, also with {', '.join(PACKED)} behind them"
        raise UnusableDataError("AM061", f"`{shown_as}` is of no kind that is known by its name", hint)
    return kind, suffix in (f".{kind}", ".feather")


def _check_is_file(path: Path, shown_as: str) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        hint = "paths start at the folder that you are in"
        raise UnusableDataError(_UNREADABLE, f"there is no file `{shown_as}`", hint) from None
    except (OSError, ValueError) as error:
        raise UnusableDataError(_UNREADABLE, f"`{shown_as}` cannot be read: {error}") from None
    if not stat.S_ISREG(mode):
        raise UnusableDataError(_UNREADABLE, f"`{shown_as}` is not a file", "name one file")


def _check_extra() -> None:
    """Reading data needs what running a pipeline needs."""
    try:
        import duckdb
        import orjson
        import polars
    except ModuleNotFoundError as error:
        hint = "install it with `pip install 'aimass-compiler[run]'`"
        message = f"reading data needs {error.name}, which is not installed"
        raise UnusableDataError("AM065", message, hint) from None
    del duckdb, orjson, polars


def _separated(path: Path, shown_as: str, seen: Seen, *, is_inferred_from_name: bool) -> Examined:
    from aimass_compiler.starter import dialects
    from aimass_compiler.starter.notations import keys_of, observe_notations

    dialect, texts, names = _read_whole(path, dialects.detect(path, shown_as), seen)
    notations = observe_notations(texts, dialect.separator)
    keys = keys_of(notations, texts)
    types = {**dict.fromkeys(notations.numbers, "number"), **dict.fromkeys(notations.dates, "time")}
    whole = dialect.model_validate({**dialect.model_dump(exclude_defaults=True), **keys})
    plain = whole.plain(texts, types)
    observed = observe(texts.height, {column.name: column for column in plain.iter_columns()})
    for name, note in notations.notes.items():
        observed.columns[name].note = note
    for name, count in Counter(names).items():
        if name and count > 1:
            observed.columns[name].fault = (
                f"its name stands {count} times in the header; `skip: 1` and your names in `header` "
                "distinguish them"
            )
    parameters = _in_short(whole.model_dump(mode="json", exclude_defaults=True))
    source = _source(parameters, is_inferred_from_name=is_inferred_from_name)
    data = DataFile(source, tuple(_notes(whole)), is_inferred_from_name)
    return Examined(data, observed, plain.select(_told(column) for column in plain.iter_columns()))


def _told(texts: polars.Series) -> polars.Series:
    """Texts as the whole numbers, numbers or times that they all are, if they are."""
    import polars

    known = texts.set(texts == "", None) if texts.dtype == polars.String else texts
    if known.dtype != polars.String or known.null_count() == len(known):
        return known
    bare = known.str.strip_chars()
    if not bare.str.contains(CODE_PATTERN).any():
        for kind in (polars.Int64, polars.Float64):
            numbers = bare.cast(kind, strict=False)
            if numbers.null_count() == known.null_count():
                return numbers
    moments = microseconds(bare)
    return moments.cast(polars.Datetime("us")) if moments.null_count() == known.null_count() else known


def _source(parameters: dict[str, Any], *, is_inferred_from_name: bool) -> Any:
    """What the spec says of a file, the path alone where that is all."""
    if len(parameters) > 1:
        return {"csv": parameters}
    return parameters["path"] if is_inferred_from_name else {"csv": parameters["path"]}


def _in_short(parameters: dict[str, Any]) -> dict[str, Any]:
    """Lists of one as what they hold, where the language has that."""
    for key in ("signs", "missing"):
        if isinstance(by_column := parameters.get(key), dict):
            short = {name: found[0] if len(found) == 1 else found for name, found in by_column.items()}
            parameters[key] = short
    return parameters


def _read_whole(path: Path, dialect: Csv, seen: Seen) -> tuple[Csv, polars.DataFrame, tuple[str, ...]]:
    """All columns as text, by the dialect or, where that does not read, by one with other quotes."""
    from aimass_compiler.catalog.sources import _cells

    try:
        return (dialect, *dialect.texts(str(path), seen=seen))
    except UnreadableError as error:
        if dialect.quote != '"' or dialect.escape or "quote" not in error.message:
            raise
        first = error
    for quoting in _QUOTINGS:
        other = dialect.model_copy(update=quoting)
        try:
            if _cells.is_even(str(path), other):
                return (other, *other.texts(str(path)))
        except UnreadableError:
            continue
    raise first


def _notes(dialect: Csv) -> list[str]:
    """What was decided about the file and could be wrong."""
    notes = []
    if dialect.header == "none":
        notes.append(
            "its first line holds values, so the columns have no names: give `header` a list of them"
        )
    if dialect.encoding not in ("utf-8", "utf-16"):
        notes.append(f"it is not UTF-8, and {dialect.encoding} is a guess: look at letters beyond a to z")
    if dialect.skip:
        notes.append(f"the lines above the header ({dialect.skip}) are skipped")
    return notes


def _objects(path: Path, seen: Seen) -> tuple[Mapping[str, Any], int]:
    from aimass_compiler.catalog.sources import _objects

    return _objects.values(str(path), None, seen)


def _scanned(path: Path, kind: str) -> polars.LazyFrame:
    from aimass_compiler.catalog import load

    source = cast("FileSource", load("sources", kind).model_validate({"path": "-"}))
    return source.read_file(str(path), None).frames[0].lazy()


def _table(path: Path, kind: str) -> tuple[Mapping[str, Any], int]:
    """Times and decimals as the text and the numbers that the contract sees."""
    import polars

    frame = _scanned(path, kind).collect()
    columns: dict[str, polars.Series] = {}
    for column in frame.iter_columns():
        type_ = column.dtype
        if isinstance(type_, (polars.Date, polars.Datetime, polars.Time, polars.Categorical, polars.Enum)):
            column = column.cast(polars.String)  # noqa: PLW2901  # the same column, as text
        elif type_.is_decimal():
            column = column.cast(polars.Float64)  # noqa: PLW2901  # the same column, as numbers
        columns[column.name] = column
    return columns, frame.height
