"""Tensors as raw little-endian bytes: the binary tensor data extension of the Open Inference Protocol.

Source: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_binary_data.html
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.runtime.server.answer import RequestError, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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
#: Of a length in bytes: more of them tell none.
_DIGITS = 18


def split(body: bytes, header_length: bytes | None) -> tuple[memoryview, memoryview]:
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


def written(tensor: NDArray[Any]) -> bytes:
    """A tensor's bytes: numbers as they lie in memory, strings each behind its length."""
    if tensor.dtype != object:
        return numpy.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<")).tobytes()
    strings = [str(text).encode() for text in tensor.ravel()]
    return b"".join(part for text in strings for part in (_LENGTH.pack(len(text)), text))
