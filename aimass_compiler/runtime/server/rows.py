"""Rows as JSON objects become the tensors that the model reads."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy
import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server.answer import RequestError, shown, violation
from aimass_compiler.runtime.server.contract import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.package import Field, Signature

Row = dict[str, Any]
NUMBERS: frozenset[type] = frozenset((float, int, type(None)))
STRINGS: frozenset[type] = frozenset((str, type(None)))


class RowReader:
    """Packs rows for one signature.

    The usual row has exactly the model's fields, so it is taken apart by C code alone; only a row
    that does not is looked at field by field.
    """

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._names = frozenset(field.name for field in signature.fields)
        self._numbers_of = _values_of(signature.numbers)
        self._strings_of = _values_of(signature.strings)

    def tensors(self, rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
        """The tensors of `rows`: a null number is NaN, a null string "", a null image NaNs.

        Raises RequestError (422) for an unknown or missing field and for a value of another type.
        """
        if any(row.keys() != self._names for row in rows):
            rows = [self._completed(place, row) for place, row in enumerate(rows)]
        tensors: dict[str, NDArray[Any]] = {}
        if self._signature.numbers:
            numbers = list(map(self._numbers_of, rows))
            _check_types(self._signature.numbers, numbers, NUMBERS, "a number")
            tensors[conventions.NUMBERS_TENSOR] = numpy.array(numbers, dtype=numpy.float64)
        if self._signature.strings:
            strings = list(map(self._strings_of, rows))
            _check_types(self._signature.strings, strings, STRINGS, "a string")
            tensors[conventions.STRINGS_TENSOR] = _strings(strings)
        for field in self._signature.images:
            tensors[field.tensor] = numpy.stack(
                [_image(field, place, row[field.name]) for place, row in enumerate(rows)]
            )
        return tensors

    def _completed(self, place: int, row: Row) -> Row:
        """The row with null for nullable fields that were left out, and without ignored ones."""
        for name in row:
            if name not in self._names and name not in self._signature.ignored:
                raise unknown(name, place, self._signature)
        for field in self._signature.fields:
            if field.name not in row and not field.nullable:
                raise violation(field.name, place, "is missing, and the model needs it")
        return {name: row.get(name) for name in self._names}


def _values_of(fields: Sequence[Field]) -> Callable[[Row], tuple[Any, ...]]:
    names = [field.name for field in fields]
    if len(names) > 1:
        return itemgetter(*names)
    # itemgetter answers a bare value for one name and refuses none.
    return lambda row: tuple(row[name] for name in names)


def _check_types(
    fields: Sequence[Field], rows: Sequence[tuple[Any, ...]], accepted: frozenset[type], noun: str
) -> None:
    if accepted.issuperset(map(type, chain.from_iterable(rows))):
        return
    for place, row in enumerate(rows):
        for field, value in zip(fields, row, strict=True):
            if type(value) not in accepted:
                raise violation(field.name, place, wrong_type(noun, value))


def wrong_type(noun: str, value: object) -> str:
    """The end of a sentence about a value that is not `noun`."""
    quoted = isinstance(value, str) and _is_number(value) and noun == "a number"
    hint = "; write it without quotes" if quoted else ""
    unquoted = type(value) in (int, float) and noun == "a string"
    hint = "; write it in quotes" if unquoted else hint
    return f"must be {noun}, not {shown(value)}{hint}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _strings(rows: list[tuple[Any, ...]]) -> NDArray[Any]:
    strings = numpy.array(rows, dtype=object)
    strings[strings == None] = ""  # noqa: E711  # compared element by element, which `is` cannot
    return strings


def _image(field: Field, place: int, value: object) -> NDArray[numpy.float32]:
    if value is None:
        return numpy.full(field.shape, numpy.nan, dtype=numpy.float32)
    shape = list(field.shape)
    try:
        image = numpy.array(value)
    except ValueError:
        raise violation(
            field.name, place, f"must be lists nested as {shape}; its lists differ in length"
        ) from None
    if image.dtype.kind not in "iuf":
        raise violation(field.name, place, f"must be numbers nested as {shape}; it holds something else")
    if image.shape != field.shape:
        raise violation(field.name, place, f"must have the shape {shape}, not {list(image.shape)}")
    with numpy.errstate(over="ignore"):
        return image.astype(numpy.float32)


def read_json(body: bytes | memoryview) -> Any:
    """A request's JSON; raises RequestError (400) that says where it ends to be JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is not JSON: {error}") from None


def rows_of(document: object, fields: frozenset[str]) -> list[Row]:
    """The rows of a request: `{"rows": [...]}`, or one bare row.

    Raises RequestError (400) for anything else.
    """
    if not isinstance(document, dict):
        raise RequestError(400, 'the body must be one row, or {"rows": [row, ...]}, each an object of fields')
    rows = document.get("rows")
    if "rows" not in document or ("rows" in fields and not isinstance(rows, list)):
        return [document]
    if not isinstance(rows, list) or not rows:
        raise RequestError(400, f"`rows` must be a list of at least one row, not {shown(rows)}")
    if len(document) > 1:
        other = next(name for name in document if name != "rows")
        raise RequestError(400, f"{shown(other)} stands beside `rows`; fields belong inside each row")
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RequestError(400, f"row {place} must be an object of fields, not {shown(row)}", row=place)
    return rows
