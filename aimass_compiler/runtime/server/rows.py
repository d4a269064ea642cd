"""Rows as JSON objects become the tensors that the model reads, each value as training made it of its file's.

`Field.written` says how the file wrote a column: `flag`, `integer`, `float`, `text` or, in JSON, `mixed`, and
`file` where a column holds image files, which requests may send in base64;
nothing where it wrote all values alike, as CSV does. What training does with whole columns is `typed` in
`runtime/contract.py`; a test holds both equal.
"""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy
import orjson

from aimass_compiler import conventions, timestamps
from aimass_compiler.runtime.server.contract import require_room, unknown
from aimass_compiler.runtime.server.response import RequestError, shown, violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.model_signature import Field, Signature


NUMBERS: frozenset[type] = frozenset((float, int, type(None)))
STRINGS: frozenset[type] = frozenset((str, type(None)))

#: Of a decimal that polars still writes without an exponent.
_LEAST_EXPONENT = 5

FLAG, INTEGER, FLOAT, TEXT, MIXED, FILE = "flag", "integer", "float", "text", "mixed", "file"


_SEPARATORS = frozenset("\x1c\x1d\x1e\x1f")


def number_of(field: Field, value: object) -> float | None:
    """The number that `value` is in this column, or None where it is missing; ValueError says why not."""
    if field.is_time:
        return time_of(field, value)
    if type(value) in NUMBERS:
        return value  # type: ignore[return-value]  # as was just seen
    if isinstance(value, str) and value in field.marks:
        return None
    if isinstance(value, bool) and field.written == FLAG:
        return float(value)
    if isinstance(value, str) and field.written in (TEXT, MIXED):
        if _is_blank(value):
            return None
        number = number_in(value)
        if number is not None and math.isfinite(number):
            return number
    quoted = isinstance(value, str) and field.written not in (TEXT, MIXED) and number_in(value) is not None
    raise ValueError(f"must be a number, not {shown(value)}{'; write it without quotes' if quoted else ''}")


def time_of(field: Field, value: object) -> float | None:
    """The seconds since 1970 that a time is, or None where it is missing; ValueError says why not."""
    is_text = type(value) in STRINGS or field.written in (INTEGER, MIXED)
    text = text_of(field, value) if is_text else "no time"
    if text is None or text in field.marks or _is_blank(text):
        return None
    found = timestamps.seconds(text)
    if found is None:
        raise ValueError(f'must be a date or time such as "2026-01-31T12:00:00Z", not {shown(value)}')
    return found


def _is_blank(text: str) -> bool:
    # Python takes four separators for spaces, training does not: Unicode has them for control characters.
    return not text.strip() and _SEPARATORS.isdisjoint(text)


def text_of(field: Field, value: object) -> str | None:
    """The text that `value` is in this column, or None where it is missing; ValueError says why not."""
    if type(value) in STRINGS:
        return value  # type: ignore[return-value]  # as was just seen
    texts = _texts(value)
    if texts and field.written == MIXED:
        return texts[0] if isinstance(value, bool) else str(value)
    if field.values is not None:
        named = [text for text in texts if text in field.values]
        if len(named) == 1:
            return named[0]
    elif texts and field.written == (FLAG if isinstance(value, bool) else INTEGER):
        return texts[0]
    elif texts and field.written == FLOAT and not isinstance(value, bool):
        return texts[-1]
    raise ValueError(f"must be a string, not {shown(value)}{_quoting(field, texts)}")


def each_read(
    values: Iterable[Any], fields: Sequence[Field], read: Callable[[Field, object], Any]
) -> list[Any]:
    """What `read` makes of the values of K columns, given in row-major order; raises RequestError (422)."""
    found = []
    for place, value in enumerate(values):
        row, column = divmod(place, len(fields))
        try:
            found.append(read(fields[column], value))
        except ValueError as unfit:
            raise violation(fields[column].name, row, str(unfit)) from None
    return found


def strings_of(values: Sequence[Any], fields: Sequence[Field]) -> NDArray[Any]:
    """The strings [N, K] of K columns, given in row-major order; "" where one is missing."""
    strings = numpy.array(values, dtype=object).reshape(-1, len(fields))
    strings[strings == None] = ""  # noqa: E711  # compared element by element, which `is` cannot
    for place, field in enumerate(fields):
        if field.marks:
            strings[[text in field.marks for text in strings[:, place].tolist()], place] = ""
    return strings


def takes_others(field: Field) -> bool:
    """Whether flags or numbers may stand in a column of text."""
    return field.values is not None or field.written in (FLAG, INTEGER, FLOAT, MIXED)


def _texts(value: object) -> list[str]:
    """What training may have made of a flag or number: a whole one is `1` or, of floats, `1.0`."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if not isinstance(value, int | float) or not math.isfinite(value):
        return []
    whole = [str(int(value))] if float(value).is_integer() else []
    return [*whole, _decimals(float(value))]


def _decimals(value: float) -> str:
    """A float as polars writes it: 0.00001 and 1e-6, where Python has 1e-05 and 1e-06."""
    text = repr(value)
    if "e-" not in text:
        return text
    mantissa, exponent = text.split("e-")
    return f"{Decimal(text):f}" if int(exponent) <= _LEAST_EXPONENT else f"{mantissa}e-{int(exponent)}"


def _quoting(field: Field, texts: list[str]) -> str:
    if not texts:
        return ""
    alike = [name for name in field.values or () if name.casefold() == texts[0]]
    return f"; write {shown(alike[0])}" if len(alike) == 1 else "; write it in quotes"


def number_in(text: str) -> float | None:
    """The number that a text is, after JSON and CSV and not after Python."""
    if not text.isascii() or "_" in text:
        return None  # Python's alone
    try:
        return float(text)
    except ValueError:
        return None


Row = dict[str, Any]
#: Of a caller's lists that are reported.
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
        self._has_times = any(field.is_time for field in signature.numbers)
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
            fields, numbers = self._signature.numbers, list(map(self._numbers_of, rows))
            if self._has_times or not NUMBERS.issuperset(map(type, chain.from_iterable(numbers))):
                numbers = each_read(chain.from_iterable(numbers), fields, number_of)
            tensors[conventions.NUMBERS_TENSOR] = numpy.array(numbers, numpy.float64).reshape(-1, len(fields))
        if self._signature.strings:
            fields, strings = self._signature.strings, list(map(self._strings_of, rows))
            if not STRINGS.issuperset(map(type, chain.from_iterable(strings))):
                strings = each_read(chain.from_iterable(strings), fields, text_of)
            tensors[conventions.STRINGS_TENSOR] = strings_of(strings, fields)
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


def _image(field: Field, place: int, value: object) -> NDArray[numpy.float32]:
    """An image or a series; NaN where it is missing, and behind the last step of a series."""
    if value is None:
        return numpy.full(field.shape, numpy.nan, dtype=numpy.float32)
    if isinstance(value, str) and field.written == FILE:
        return decoded(field, place, value)
    if not field.is_series:
        return _array(field, place, value, list(field.shape))
    steps, channels = field.shape
    if type(value) is not list or not 0 < len(value) <= steps:
        raise violation(field.name, place, f"must be a list of 1 to {steps} steps, not {shown(value)}")
    wanted = [len(value)] if channels == 1 else [len(value), channels]
    found: NDArray[numpy.float32] = _array(field, place, value, wanted).reshape(1, len(value), channels)
    whole: NDArray[numpy.float32] = padded(field, found)[0]
    return whole


def decoded(field: Field, place: int, text: str) -> NDArray[numpy.float32]:
    """The pixels of an image file that a caller sends in base64; raises RequestError (422)."""
    from aimass_compiler.runtime.server.image_files import pixels_of_base64

    try:
        return pixels_of_base64(text, field.shape)
    except ValueError as unfit:
        raise violation(field.name, place, f"must be {unfit}, or its pixels") from None


def padded(field: Field, series: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
    """Series [N, T, C] with NaN behind their last step, as many as the field has: [N, L, C]."""
    missing = field.shape[0] - series.shape[1]
    return numpy.pad(series, ((0, 0), (0, missing), (0, 0)), constant_values=numpy.nan)


def _array(field: Field, place: int, value: object, wanted: list[int]) -> NDArray[numpy.float32]:
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
        return numpy.array(flat, dtype=numpy.float64).astype(numpy.float32).reshape(wanted)


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
