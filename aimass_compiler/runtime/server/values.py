"""How a value of JSON becomes its column's value: as training made it of the same value in its file.

`Field.written` tells how the file wrote a column: `flag`, `integer`, `float`, `text` or, in JSON, `mixed`;
nothing where it wrote all values alike, as CSV does. What training does with whole columns is `typed` in
`runtime/contract.py`; a test holds both equal.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.runtime.server.answer import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.signature import Field

NUMBERS: frozenset[type] = frozenset((float, int, type(None)))
STRINGS: frozenset[type] = frozenset((str, type(None)))

#: Of a decimal that polars still writes without an exponent.
_LEAST_EXPONENT = 5

FLAG, INTEGER, FLOAT, TEXT, MIXED = "flag", "integer", "float", "text", "mixed"


def number_of(field: Field, value: object) -> float | None:
    """The number that `value` is in this column, or None where it is missing; ValueError tells why not."""
    if type(value) in NUMBERS:
        return value  # type: ignore[return-value]  # as was just seen
    if isinstance(value, str) and value in field.marks:
        return None
    if isinstance(value, bool) and field.written == FLAG:
        return float(value)
    if isinstance(value, str) and field.written in (TEXT, MIXED):
        if not value.strip():
            return None
        number = number_in(value)
        if number is not None and math.isfinite(number):
            return number
    quoted = isinstance(value, str) and field.written not in (TEXT, MIXED) and number_in(value) is not None
    raise ValueError(f"must be a number, not {shown(value)}{'; write it without quotes' if quoted else ''}")


def text_of(field: Field, value: object) -> str | None:
    """The text that `value` is in this column, or None where it is missing; ValueError tells why not."""
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
