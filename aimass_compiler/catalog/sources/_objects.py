"""JSON objects, one a line, as columns; a field that no one asks for may hold anything."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.source import EmptyFileError, Rows, UnreadableError
from aimass_compiler.catalog.sources import _text

if TYPE_CHECKING:
    import polars

_SEEN_AT_ONCE = 10_000
_HINT = 'every line must be one JSON object, such as `{"age": 40}`'
_NOUNS = {bool: "a flag", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
_NUMBERS = frozenset((int, float))
_PLAIN = frozenset((bool, int, float, str))


def read(location: str, wanted: Mapping[str, str] | None) -> Rows:
    """The wanted columns, or all. Raises UnreadableError for a line that is no object, and for a wanted
    column that is a value here and a structure there, with lines."""
    import polars

    columns, height = values(location, wanted)
    if not height:
        raise EmptyFileError("the file has no rows", _HINT)
    names = tuple(columns)
    chosen = {name: found for name, found in columns.items() if wanted is None or name in wanted}
    frame = polars.DataFrame({name: _series(name, found, location) for name, found in chosen.items()})
    numbers = cache(lambda: lines(location))
    texts = (name for name, kind in frame.schema.items() if kind == polars.String)
    mixed = frozenset(name for name in texts if set(map(type, columns[name])) - {str, type(None)})
    return Rows((frame,), names, lambda row: f"line {numbers()[row]}", mixed)


def values(
    location: str, wanted: Mapping[str, str] | None, seen: Callable[[int], None] | None = None
) -> tuple[dict[str, list[Any]], int]:
    """The values of each column in the order in which they come up (none of one that is not wanted), and how
    many rows there are."""
    columns: dict[str, list[Any]] = {}
    height = 0
    for row in objects(location):
        for name, value in row.items():
            column = columns.get(name)
            if column is None:
                column = columns[name] = []
            if wanted is None or name in wanted:
                column.extend(itertools.repeat(None, height - len(column)))
                column.append(value)
        height += 1
        if seen is not None and not height % _SEEN_AT_ONCE:
            seen(height)
    for name, column in columns.items():
        if wanted is None or name in wanted:
            column.extend(itertools.repeat(None, height - len(column)))
    return columns, height


def objects(location: str) -> Iterator[dict[str, Any]]:
    """Each line's object; raises UnreadableError with the line."""
    for number, line in _lines(location):
        yield _decoded(line, number)


def _decoded(line: bytes, number: int) -> dict[str, Any]:
    import orjson

    try:
        row = orjson.loads(line)
    except ValueError as error:
        raise _no_json(line, number, error) from None
    if not isinstance(row, dict):
        raise UnreadableError(f"line {number} is not an object of columns", _HINT)
    return row


def _no_json(line: bytes, number: int, error: ValueError) -> UnreadableError:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as problem:
        message = f"line {number} is not UTF-8 (byte 0x{line[problem.start]:02x})"
        return UnreadableError(message, "write the file in UTF-8")
    if b"NaN" in line or b"Infinity" in line:
        return UnreadableError(f"line {number}: NaN is not valid JSON", "write null for a missing value")
    if b"\\ud" in line.lower():
        return UnreadableError(
            f"line {number} has an unpaired surrogate (`\\ud…`)", "write both halves of the character"
        )
    message = str(error).partition(": line 1 column")[0]
    return UnreadableError(f"line {number} is not JSON: {message}", _HINT)


def _lines(location: str) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, with their numbers; a byte order mark is no part of the first one."""
    if "://" in location:
        with _text.opened(location, "utf-8") as texts:
            yield from ((number, text.encode()) for number, text in enumerate(texts, 1) if text.strip())
        return
    with _text.unpacked(location) as stream:
        for number, line in enumerate(stream, 1):
            bare = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if bare.strip():
                yield number, bare


def lines(location: str) -> Sequence[int]:
    """The line of each row."""
    return array("q", (number for number, _ in _lines(location)))


def _series(name: str, found: list[Any], location: str) -> polars.Series:
    """The values in one type: flags, numbers, lists of numbers, or text that may have been written unlike."""
    import polars

    types = set(map(type, found)) - {type(None)}
    if not types:
        return polars.Series(name, found, dtype=polars.String)
    if types == {list}:
        return _lists(name, found, location)
    if types <= _NUMBERS:
        is_whole = types == {int} and all(-(2**63) <= value < 2**63 for value in found if value is not None)
        return polars.Series(name, found, dtype=polars.Int64 if is_whole else polars.Float64, strict=False)
    if types == {bool}:
        return polars.Series(name, found, dtype=polars.Boolean)
    if types <= _PLAIN and str in types:
        return polars.Series(name, [value if value is None else text_of(value) for value in found])
    raise _unlike(name, found, location)


def text_of(value: object) -> str:
    """A plain JSON value as text; flags as JSON writes them."""
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _lists(name: str, found: list[Any], location: str) -> polars.Series:
    import polars

    try:
        if any(type(item) is dict for value in found if value for item in value):
            return polars.Series(name, found, strict=False)
        are_nested = any(type(item) is list for value in found if value for item in value)
        inner = polars.List(polars.Float64) if are_nested else polars.Float64()
        return polars.Series(name, found, dtype=polars.List(inner), strict=False)
    except (polars.exceptions.PolarsError, TypeError, ValueError):
        raise _unlike(name, found, location) from None


def _unlike(name: str, found: list[Any], location: str) -> UnreadableError:
    seen: dict[str, int] = {}
    for row, value in enumerate(found):
        if value is not None:
            seen.setdefault(_NOUNS[type(value)], row)
    numbers = lines(location)
    message = " and ".join(f"{noun} in line {numbers[row]}" for noun, row in [*seen.items()][:2])
    return UnreadableError(
        f"the column `{name}` is {message}",
        "write its values in one type, or leave the column out of the spec",
    )
