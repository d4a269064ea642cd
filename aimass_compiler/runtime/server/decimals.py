"""What a number in half or single precision was before it was rounded: the decimal that people wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

#: The powers of ten that a double holds exactly, so that one operation with them is rounded once.
_POWERS = numpy.array([float(f"1e{power}") for power in range(23)])


def widened(values: NDArray[numpy.floating]) -> NDArray[numpy.float64]:
    """The numbers in double precision, as they were meant.

    Of the decimals that the type keeps apart (6 digits in single and 3 in half precision, FLT_DIG of C and
    IEEE 754-2019, 5.12.2), the nearest, where it is rounded to this very number: 0.7 and not
    0.699999988. Every other number is itself.
    """
    exact = values.astype(numpy.float64)
    if values.dtype == numpy.float64:
        return exact
    with numpy.errstate(divide="ignore", invalid="ignore", over="ignore"):
        power = numpy.finfo(values.dtype).precision - 1 - numpy.floor(numpy.log10(numpy.abs(exact)))
        is_known = numpy.abs(power) < len(_POWERS)
        places = numpy.where(is_known, power, 0).astype(numpy.int64)
        up, down = _POWERS[numpy.maximum(places, 0)], _POWERS[numpy.maximum(-places, 0)]
        decimal = numpy.rint(exact * up / down) * down / up
        return numpy.where(is_known & (decimal.astype(values.dtype) == values), decimal, exact)


def meant(values: NDArray[numpy.float64], kind: DTypeLike) -> NDArray[numpy.float64]:
    """Doubles that were written of numbers of another type: what is one of that type's is widened."""
    with numpy.errstate(over="ignore"):
        narrow = values.astype(kind)
    return numpy.where(narrow == values, widened(narrow), values)
