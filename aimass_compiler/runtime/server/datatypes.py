"""What the datatype of a tensor says of its values: which it can hold, and how much of a decimal it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.runtime.server import binary
from aimass_compiler.runtime.server.answer import RequestError, shown
from aimass_compiler.runtime.server.decimals import meant, widened
from aimass_compiler.runtime.server.values import NUMBERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.request_tensors import Flat

_FLAGS: frozenset[type] = frozenset((bool, type(None)))


def decimals(numbers: NDArray[Any]) -> NDArray[Any]:
    """Numbers and flags as they lay in memory; those of half and single precision as they were meant."""
    return widened(numbers) if numbers.dtype.kind == "f" else numbers


def declared(name: str, datatype: str, values: Flat) -> Flat:
    """Numbers and flags of JSON as their tensor's datatype holds them; None stays None.

    Raises RequestError (400) for a value that the datatype cannot hold.
    """
    accepted = _FLAGS if datatype == binary.BOOL else NUMBERS
    if not accepted.issuperset(map(type, values)):
        wrong = next(value for value in values if type(value) not in accepted)
        raise _unfit(name, datatype, wrong)
    if datatype in ("FP32", "FP16"):
        return _rounded(name, datatype, values)
    if datatype in binary.DTYPES and datatype != "FP64":
        return _whole(name, datatype, values)
    return list(values)


def _rounded(name: str, datatype: str, values: Flat) -> NDArray[Any]:
    exact = numpy.array(values, dtype=numpy.float64)
    kind = binary.DTYPES[datatype]
    lost = numpy.abs(exact) > numpy.finfo(kind).max
    if lost.any():
        raise _unfit(name, datatype, values[int(lost.argmax())])
    return meant(exact, kind)


def _whole(name: str, datatype: str, values: Flat) -> list[Any]:
    limits = numpy.iinfo(binary.DTYPES[datatype])
    low, high = int(limits.min), int(limits.max)
    for value in values:
        if value is not None and not (low <= value <= high and (type(value) is int or value.is_integer())):
            raise _unfit(name, datatype, value)
    return [value if value is None else int(value) for value in values]


def _unfit(name: str, datatype: str, value: object) -> RequestError:
    return RequestError(400, f"`{name}` is declared {datatype}, which cannot hold {shown(value)}", name)
