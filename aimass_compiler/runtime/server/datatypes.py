"""The datatypes of tensors: as raw bytes, as decimals that people wrote, and what each can hold.

Source: the binary tensor data extension of the Open Inference Protocol,
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_binary_data.html
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.runtime.server.response import RequestError, shown
from aimass_compiler.runtime.server.rows import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray


#: Values in row-major order, before they have one type.
Flat = list[Any] | numpy.ndarray[Any, Any]

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


HEADER_LENGTH = b"inference-header-content-length"
EXTENSION = "binary_tensor_data"
#: The number types of the protocol, by what numpy calls them in little-endian order.
DTYPES = {
    "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
BYTES = "BYTES"
BOOL = "BOOL"
_LENGTH = struct.Struct("<I")
#: Of a length in bytes, at most.
_DIGITS = 18


def split_body(body: bytes, header_length: bytes | None) -> tuple[memoryview, memoryview]:
    """The JSON part of a request and the bytes behind it."""
    view = memoryview(body)
    if header_length is None:
        return view, view[len(view) :]
    is_length = header_length.isdigit() and len(header_length) <= _DIGITS
    if not is_length or int(header_length) > len(body):
        declared = header_length[:20].decode("latin-1")
        raise RequestError(
            400, f"Inference-Header-Content-Length is `{declared}`, but the body has {len(body)} bytes"
        )
    return view[: int(header_length)], view[int(header_length) :]


def read_numbers(name: str, datatype: str, shape: Sequence[int], data: memoryview) -> NDArray[Any]:
    """The numbers or flags of one tensor, flat; raises RequestError (400) when their bytes do not fill it."""
    dtype = numpy.dtype(DTYPES.get(datatype, "u1"))
    wanted = math.prod(shape) * dtype.itemsize
    if len(data) != wanted:
        raise RequestError(
            400,
            f"`{name}` has {len(data)} bytes, but {datatype} of shape {shown(shape)} takes {wanted}",
            name,
        )
    numbers = numpy.frombuffer(data, dtype)
    return numbers != 0 if datatype == BOOL else numbers


def read_strings(name: str, shape: Sequence[int], data: memoryview) -> list[str]:
    """The strings of one tensor, each behind its length in four bytes; raises RequestError (400)."""
    strings: list[str] = []
    start = 0
    try:
        while start < len(data):
            (length,) = _LENGTH.unpack_from(data, start)
            start += _LENGTH.size + length
            if start > len(data):
                raise RequestError(400, f"`{name}` ends in the middle of element {len(strings)}", name)
            strings.append(str(data[start - length : start], "utf-8"))
    except (struct.error, UnicodeDecodeError) as error:
        raise RequestError(400, f"element {len(strings)} of `{name}` cannot be read: {error}", name) from None
    if len(strings) != math.prod(shape):
        raise RequestError(
            400, f"`{name}` has {len(strings)} elements, but its shape is {shown(shape)}", name
        )
    return strings


def raw_bytes(tensor: NDArray[Any]) -> bytes:
    """A tensor's bytes: numbers as they lie in memory, strings each behind its length."""
    if tensor.dtype != object:
        return numpy.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<")).tobytes()
    strings = [str(text).encode() for text in tensor.ravel()]
    return b"".join(part for text in strings for part in (_LENGTH.pack(len(text)), text))


_FLAGS: frozenset[type] = frozenset((bool, type(None)))


def decimals(numbers: NDArray[Any]) -> NDArray[Any]:
    """Numbers and flags as they lay in memory; those of half and single precision as they were meant."""
    return widened(numbers) if numbers.dtype.kind == "f" else numbers


def declared(name: str, datatype: str, values: Flat) -> Flat:
    """Numbers and flags of JSON as their tensor's datatype holds them; None stays None.

    Raises RequestError (400) for a value that the datatype cannot hold.
    """
    accepted = _FLAGS if datatype == BOOL else NUMBERS
    if not accepted.issuperset(map(type, values)):
        wrong = next(value for value in values if type(value) not in accepted)
        raise _unfit(name, datatype, wrong)
    if datatype in ("FP32", "FP16"):
        return _rounded(name, datatype, values)
    if datatype in DTYPES and datatype != "FP64":
        return _whole(name, datatype, values)
    return list(values)


def _rounded(name: str, datatype: str, values: Flat) -> NDArray[Any]:
    exact = numpy.array(values, dtype=numpy.float64)
    kind = DTYPES[datatype]
    lost = numpy.abs(exact) > numpy.finfo(kind).max
    if lost.any():
        raise _unfit(name, datatype, values[int(lost.argmax())])
    return meant(exact, kind)


def _whole(name: str, datatype: str, values: Flat) -> list[Any]:
    limits = numpy.iinfo(DTYPES[datatype])
    low, high = int(limits.min), int(limits.max)
    for value in values:
        if value is not None and not (low <= value <= high and (type(value) is int or value.is_integer())):
            raise _unfit(name, datatype, value)
    return [value if value is None else int(value) for value in values]


def _unfit(name: str, datatype: str, value: object) -> RequestError:
    return RequestError(400, f"`{name}` is declared {datatype}, which cannot hold {shown(value)}", name)
