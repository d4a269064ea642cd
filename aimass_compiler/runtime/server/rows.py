"""Rows as JSON objects become the tensors that the model reads."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy
import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server.answer import RequestError, shown, violation
from aimass_compiler.runtime.server.contract import require_room, unknown
from aimass_compiler.runtime.server.values import NUMBERS, STRINGS, number_of, strings_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.signature import Field, Signature

Row = dict[str, Any]
#: Of a caller's lists that are told.
_DIMENSIONS = 8


class RowReader:
    """Packs rows for one signature.

    The usual row has exactly the model's fields, so it is taken apart by C code alone; only a row
    that does not is looked at field by field.
    """

    def __init__(self, signature: Signature, most_values: int) -> None:
        self._signature = signature
        self._width = signature.width
        self._most_values = most_values
        self._names = frozenset(field.name for field in signature.fields)
        self._numbers_of = _values_of(signature.numbers)
        self._strings_of = _values_of(signature.strings)

    def tensors(self, rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
        """The tensors of `rows`: a null number is NaN, a null string "", a null image NaNs.

        Raises RequestError (422) for an unknown or missing field and for a value of another type; 413 for
        more rows than are taken at once.
        """
        require_room(len(rows), self._width, self._most_values)
        if any(row.keys() != self._names for row in rows):
            rows = [self._completed(place, row) for place, row in enumerate(rows)]
        tensors: dict[str, NDArray[Any]] = {}
        if self._signature.numbers:
            numbers = list(map(self._numbers_of, rows))
            if not NUMBERS.issuperset(map(type, chain.from_iterable(numbers))):
                numbers = _read(self._signature.numbers, numbers, number_of)
            tensors[conventions.NUMBERS_TENSOR] = numpy.array(numbers, dtype=numpy.float64)
        if self._signature.strings:
            strings = list(map(self._strings_of, rows))
            if not STRINGS.issuperset(map(type, chain.from_iterable(strings))):
                strings = _read(self._signature.strings, strings, text_of)
            tensors[conventions.STRINGS_TENSOR] = strings_of(strings, self._signature.strings)
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


def _read(
    fields: Sequence[Field], rows: Sequence[tuple[Any, ...]], read: Callable[[Field, object], Any]
) -> list[tuple[Any, ...]]:
    found = []
    for place, row in enumerate(rows):
        values = []
        for field, value in zip(fields, row, strict=True):
            try:
                values.append(read(field, value))
            except ValueError as unfit:
                raise violation(field.name, place, str(unfit)) from None
        found.append(tuple(values))
    return found


def _image(field: Field, place: int, value: object) -> NDArray[numpy.float32]:
    if value is None:
        return numpy.full(field.shape, numpy.nan, dtype=numpy.float32)
    wanted = list(field.shape)
    # Looked at before numpy does: lists that hold texts would take it any amount of memory.
    flat: list[Any] = [value]
    shape: list[int] = []
    while flat and type(flat[0]) is list:
        shape.append(len(flat[0]))
        if any(type(part) is not list or len(part) != shape[-1] for part in flat):
            message = f"must be lists nested as {wanted}; its lists differ in length"
            raise violation(field.name, place, message)
        flat = list(chain.from_iterable(flat))
    if not {int, float}.issuperset(map(type, flat)):
        raise violation(field.name, place, f"must be numbers nested as {wanted}; it holds something else")
    if shape != wanted:
        raise violation(field.name, place, f"must have the shape {wanted}, not {shape[:_DIMENSIONS]}")
    with numpy.errstate(over="ignore"):
        return numpy.array(flat, dtype=numpy.float64).astype(numpy.float32).reshape(field.shape)


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
        raise RequestError(400, f"{shown(other)} is not allowed beside `rows`; fields belong inside each row")
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RequestError(400, f"row {place} must be an object of fields, not {shown(row)}", row=place)
    return rows
