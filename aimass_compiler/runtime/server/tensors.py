"""Tensors of an inference request, counted against their shapes, become those that the model reads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from aimass_compiler import conventions
from aimass_compiler.runtime.server import datatypes
from aimass_compiler.runtime.server.contract import MISSING, nearest, require_room
from aimass_compiler.runtime.server.response import RequestError, shown, violation
from aimass_compiler.runtime.server.rows import (
    FILE,
    FLAG,
    MIXED,
    NUMBERS,
    STRINGS,
    TEXT,
    decoded,
    each_read,
    number_of,
    padded,
    strings_of,
    takes_others,
    text_of,
    time_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.datatypes import Flat
    from aimass_compiler.runtime.server.model_signature import Field, Signature


#: Those of other servers that ask for other data or another answer: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/README.html
_ANOTHER_MEANING = (
    "classification",
    "shared_memory_region", "shared_memory_offset", "shared_memory_byte_size",
    "sequence_id", "sequence_start", "sequence_end",
)  # fmt: skip
_NONE: Mapping[str, Any] = {}


def parameters_of(holder: Mapping[str, Any], whose: str) -> Mapping[str, Any]:
    """The `parameters` of a part of a request; those that are not known and change nothing may stand there.

    Raises RequestError (400) for what is no object, and for those that would change what is meant.
    """
    found = holder.get("parameters")
    if found is None:
        return _NONE
    if not isinstance(found, dict):
        raise RequestError(400, f"`parameters` of {whose} must be an object, not {shown(found)}")
    for name in _ANOTHER_MEANING:
        if name in found:
            raise RequestError(400, f"the parameter `{name}` of {whose} is not supported")
    return found


def flag(found: Mapping[str, Any], name: str, *, otherwise: bool) -> bool:
    """A parameter that is true or false; raises RequestError (400) where it is neither."""
    value = found.get(name, otherwise)
    if not isinstance(value, bool):
        raise RequestError(400, f"`{name}` must be true or false, not {shown(value)}")
    return value


_DATATYPES = (datatypes.BOOL, *datatypes.DTYPES, datatypes.BYTES)
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
        found[name], tail = _read_tensor(tensor, name, tail)
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


def _read_tensor(tensor: dict[str, Any], name: str, tail: memoryview) -> tuple[RequestTensor, memoryview]:
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
    if datatype == datatypes.BYTES:
        values: Flat = datatypes.read_strings(name, shape, tail[:size])
    else:
        values = datatypes.read_numbers(name, datatype, shape, tail[:size])
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


class TensorReader:
    """Accepts one tensor a column, or the packed tensors as model.onnx has them.

    A tensor whose name is a column's is that column, even where the column is called `numbers`.
    """

    def __init__(self, signature: Signature, most_values: int) -> None:
        self._images = signature.images
        self._width = signature.width
        self._most_values = most_values
        columns = frozenset(field.name for field in signature.fields)
        self._packed = signature.packed
        self._by_one_tensor = self._packed.keys() - columns
        self._accepted = columns | self._packed.keys() | signature.ignored

    def tensors(self, inputs: object, tail: memoryview) -> dict[str, NDArray[Any]]:
        """The model's tensors from `inputs` and the binary data behind the JSON.

        Raises RequestError: 400 for what the protocol forbids, 422 for what the contract does.
        """
        found = read_tensors(inputs, tail, self._accepted)
        rows = _rows(found)
        require_room(rows, self._width, self._most_values)
        tensors = {}
        for name, fields in self._packed.items():
            is_number = name == conventions.NUMBERS_TENSOR
            values_of = _numbers_of if is_number else _strings_of
            if name in found and name in self._by_one_tensor:
                _refuse_twice(name, fields, found)
                values: Any = values_of(found[name], fields, rows)
            else:
                columns = [
                    _column(field, found, rows, _times_of if field.is_time else values_of) for field in fields
                ]
                values = numpy.array(columns, dtype=numpy.float64 if is_number else object).T
            tensors[name] = _numbers(values, fields) if is_number else strings_of(values, fields)
        for field in self._images:
            tensors[field.tensor] = _image(field, found, rows)
        return tensors


def _rows(found: Mapping[str, RequestTensor]) -> int:
    sizes = {tensor.shape[0] for tensor in found.values()}
    if len(sizes) > 1:
        message = ", ".join(f"`{tensor.name}` has {tensor.shape[0]}" for tensor in list(found.values())[:4])
        raise RequestError(400, f"all inputs must have the same number of rows, but {message}")
    return sizes.pop()


def _refuse_twice(packed: str, fields: Sequence[Field], found: Mapping[str, RequestTensor]) -> None:
    twice = next((field.name for field in fields if field.name in found), None)
    if twice is not None:
        message = f"`{twice}` is sent twice: as its own tensor and as a column of `{packed}`"
        raise RequestError(400, message, twice)


def _column(
    field: Field,
    found: Mapping[str, RequestTensor],
    rows: int,
    values_of: Callable[[RequestTensor, Sequence[Field], int], Flat],
) -> Flat:
    tensor = found.get(field.name)
    if tensor is not None:
        return values_of(tensor, (field,), rows)
    if field.nullable:
        return [None] * rows
    raise RequestError(422, f"the input `{field.name}` is missing, and the model needs it", field.name)


def _numbers_of(tensor: RequestTensor, fields: Sequence[Field], rows: int) -> Flat:
    """The numbers of one or several columns; a missing one is None or NaN."""
    _check_shape(tensor, fields, rows)
    if tensor.datatype not in datatypes.DTYPES:
        wanted = {datatypes.BOOL: (FLAG,), datatypes.BYTES: (TEXT, MIXED)}[tensor.datatype]
        if not all(field.written in wanted for field in fields):
            raise _wrong_datatype(tensor, "FP64 (other numbers are converted)")
    data = tensor.data
    if isinstance(data, numpy.ndarray):
        return datatypes.decimals(data)
    if tensor.datatype == datatypes.BOOL:
        data = datatypes.declared(tensor.name, tensor.datatype, data)
    if not NUMBERS.issuperset(map(type, data)):
        data = each_read(data, fields, number_of)
    is_number = tensor.datatype in datatypes.DTYPES
    return datatypes.declared(tensor.name, tensor.datatype, data) if is_number else data


def _times_of(tensor: RequestTensor, fields: Sequence[Field], rows: int) -> Flat:
    """The seconds since 1970 of times that are written as text; a missing one is None."""
    return each_read(_strings_of(tensor, fields, rows), fields, time_of)


def _strings_of(tensor: RequestTensor, fields: Sequence[Field], rows: int) -> Flat:
    """The strings of one or several columns; a missing one is None or ""."""
    _check_shape(tensor, fields, rows)
    if tensor.datatype != datatypes.BYTES and not all(map(takes_others, fields)):
        raise _wrong_datatype(tensor, "BYTES")
    data = tensor.data
    if isinstance(data, numpy.ndarray):
        data = datatypes.decimals(data)
    elif tensor.datatype != datatypes.BYTES:
        data = datatypes.declared(tensor.name, tensor.datatype, data)
    if isinstance(data, numpy.ndarray):
        data = [None if value != value else value for value in data.tolist()]  # noqa: PLR0124  # NaN is missing
    return data if STRINGS.issuperset(map(type, data)) else each_read(data, fields, text_of)


def _check_shape(tensor: RequestTensor, fields: Sequence[Field], rows: int) -> None:
    if tensor.shape != [rows, len(fields)] and tensor.shape != [rows] * (len(fields) == 1):
        message = f"must have the shape {[rows, len(fields)]}, not {shown(tensor.shape)}"
        raise RequestError(422, f"`{tensor.name}` {message}", tensor.name)


def _wrong_datatype(tensor: RequestTensor, wanted: str) -> RequestError:
    message = f"`{tensor.name}` must have the datatype {wanted}, not {shown(tensor.datatype)}"
    return RequestError(422, message, tensor.name)


def _numbers(values: Flat, fields: Sequence[Field]) -> NDArray[Any]:
    return numpy.ascontiguousarray(values, dtype=numpy.float64).reshape(-1, len(fields))


def _file(field: Field, place: int, value: object) -> str:
    if not isinstance(value, str):
        raise violation(field.name, place, f"must be an image file in base64, not {shown(value)}")
    return value


def _image(field: Field, found: Mapping[str, RequestTensor], rows: int) -> NDArray[numpy.float32]:
    tensor = found.get(field.name)
    shape = (rows, *field.shape)
    if tensor is not None and tensor.datatype == datatypes.BYTES and field.written == FILE:
        _check_shape(tensor, (field,), rows)
        values = enumerate(tensor.data)
        return numpy.stack([decoded(field, place, _file(field, place, value)) for place, value in values])
    if tensor is None:
        if field.nullable:
            return numpy.full(shape, numpy.nan, dtype=numpy.float32)
        raise RequestError(422, f"the input `{field.name}` {MISSING}", field.name)
    if field.is_series and len(tensor.shape) == len(shape) and 0 < tensor.shape[1] < shape[1]:
        shape = (rows, tensor.shape[1], shape[2])
    if tuple(tensor.shape) != shape:
        message = f"`{field.name}` must have the shape {list(shape)}, not {shown(tensor.shape)}"
        raise RequestError(422, message, field.name)
    if tensor.datatype not in datatypes.DTYPES:
        raise _wrong_datatype(tensor, "FP32 (other numbers are converted)")
    flat = tensor.data
    if not isinstance(flat, numpy.ndarray):
        if not NUMBERS.issuperset(map(type, flat)):
            raise RequestError(422, f"`{field.name}` must hold numbers only", field.name)
        flat = datatypes.declared(tensor.name, tensor.datatype, flat)
    with numpy.errstate(over="ignore"):
        array = numpy.asarray(flat, dtype=numpy.float32).reshape(shape)
    return padded(field, array) if field.is_series else array
