"""Tensors of a request as they were sent, each counted against its shape before anything is made of them."""

from __future__ import annotations

import math
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from aimass_compiler.runtime.server import binary
from aimass_compiler.runtime.server.answer import RequestError, shown
from aimass_compiler.runtime.server.contract import nearest
from aimass_compiler.runtime.server.parameters import parameters_of

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

#: Values in row-major order, before they have one type.
Flat = list[Any] | numpy.ndarray[Any, Any]

_DATATYPES = (binary.BOOL, *binary.DTYPES, binary.BYTES)
#: numpy's own limit is 64; models have 4 or less.
_MOST_DIMENSIONS = 16


class RequestTensor(NamedTuple):
    """One tensor of a request; `data` is flat and has as many values as `shape` says."""

    name: str
    datatype: str
    shape: list[int]
    data: Flat


def read_tensors(inputs: object, tail: memoryview, accepted: AbstractSet[str]) -> dict[str, RequestTensor]:
    """The tensors of `inputs` by name; those without `data` take theirs from `tail`, one after another.

    Raises RequestError: 422 for a name that is not `accepted`, 400 for what the protocol forbids.
    """
    if not isinstance(inputs, list) or not inputs:
        raise RequestError(400, f"`inputs` must be a list of at least one tensor, not {shown(inputs)}")
    found: dict[str, RequestTensor] = {}
    for tensor in inputs:
        name = _name(tensor, accepted)
        if name in found:
            raise RequestError(400, f"duplicate tensor {shown(name)} in `inputs`")
        found[name], tail = _read(tensor, name, tail)
    if tail:
        raise RequestError(400, f"{len(tail)} bytes after the JSON belong to no tensor")
    return found


def _name(tensor: object, accepted: AbstractSet[str]) -> str:
    if not isinstance(tensor, dict) or not isinstance(name := tensor.get("name"), str):
        raise RequestError(400, f"each of `inputs` must be an object with a `name`, not {shown(tensor)}")
    if name not in accepted:
        if "shape" not in tensor or "datatype" not in tensor:
            raise RequestError(400, f"{shown(name)} needs a `shape`, a `datatype` and `data`", name)
        hint = nearest(name, accepted)
        raise RequestError(422, f"there is no input {shown(name)}{'; ' if hint else ''}{hint}", name)
    return name


def _read(tensor: dict[str, Any], name: str, tail: memoryview) -> tuple[RequestTensor, memoryview]:
    """The tensor, and what of `tail` is left behind it."""
    shape, datatype, data = _shape(tensor, name), tensor.get("datatype"), tensor.get("data")
    if datatype not in _DATATYPES:
        message = f"`{name}` needs a `datatype` such as FP64 or BYTES, not {shown(datatype)}"
        raise RequestError(400, message, name)
    size = parameters_of(tensor, f"`{name}`").get("binary_data_size")
    if size is None:
        if not isinstance(data, list):
            raise RequestError(400, f"`{name}` needs `data`, a list of its values, not {shown(data)}", name)
        return RequestTensor(name, datatype, shape, _flat(name, shape, data)), tail
    if type(size) is not int or not 0 <= size <= len(tail):
        message = f"`binary_data_size` is {shown(size)}, but {len(tail)} bytes are left after the JSON"
        raise RequestError(400, f"`{name}`: {message}", name)
    if data is not None:
        raise RequestError(400, f"`{name}` has both `data` and `binary_data_size`; send one of them", name)
    if datatype == binary.BYTES:
        values: Flat = binary.read_strings(name, shape, tail[:size])
    else:
        values = binary.read_numbers(name, datatype, shape, tail[:size])
    return RequestTensor(name, datatype, shape, values), tail[size:]


def _shape(tensor: dict[str, Any], name: str) -> list[int]:
    shape = tensor.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise RequestError(400, f"`{name}` needs a `shape` such as [1, 1], not {shown(shape)}", name)
    if not 0 < len(shape) <= _MOST_DIMENSIONS:
        message = f"`{name}` needs a `shape` of 1 to {_MOST_DIMENSIONS} dimensions, not of {len(shape)}"
        raise RequestError(400, message, name)
    if shape[0] == 0:
        message = f"`{name}` has no row: send tensors of shape [N, 1] with N of at least 1"
        raise RequestError(400, message, name)
    if 0 in shape:
        raise RequestError(400, f"`{name}` has no values: its shape is {shown(shape)}", name)
    return shape


def _flat(name: str, shape: list[int], data: list[Any]) -> list[Any]:
    """The values in row-major order of lists that are flat, or nested exactly as the shape says."""
    if data and type(data[0]) is list:
        outer = 1
        for size, inner in pairwise(shape):
            outer *= size
            if len(data) != outer or any(type(part) is not list or len(part) != inner for part in data):
                raise _wrongly_nested(name, shape)
            data = list(chain.from_iterable(data))
    if len(data) != math.prod(shape):
        message = f"has {len(data)} values, but its shape is {shown(shape)}"
        raise RequestError(400, f"`{name}` {message}", name)
    if list in set(map(type, data)):
        raise _wrongly_nested(name, shape)
    return data


def _wrongly_nested(name: str, shape: list[int]) -> RequestError:
    message = f"`data` of `{name}` must be flat, or lists nested as its shape {shown(shape)}"
    return RequestError(400, message, name)
