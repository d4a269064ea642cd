"""Tensors of an inference request become the tensors that the model reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler import conventions
from aimass_compiler.runtime.server import binary, datatypes
from aimass_compiler.runtime.server.answer import RequestError, shown, violation
from aimass_compiler.runtime.server.contract import MISSING, require_room
from aimass_compiler.runtime.server.request_tensors import read_tensors
from aimass_compiler.runtime.server.values import (
    FLAG,
    MIXED,
    NUMBERS,
    STRINGS,
    TEXT,
    number_of,
    strings_of,
    takes_others,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.request_tensors import Flat, RequestTensor
    from aimass_compiler.runtime.server.signature import Field, Signature


class TensorReader:
    """Accepts one tensor a column, or the packed tensors as model.onnx has them.

    A tensor whose name is a column's is that column, even where the column is called `numbers`.
    """

    def __init__(self, signature: Signature, most_values: int) -> None:
        self._images = signature.images
        self._width = signature.width
        self._most_values = most_values
        columns = frozenset(field.name for field in signature.fields)
        self._packed = {
            name: fields
            for name, fields in (
                (conventions.NUMBERS_TENSOR, signature.numbers),
                (conventions.STRINGS_TENSOR, signature.strings),
            )
            if fields
        }
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
                columns = [_column(field, found, rows, values_of) for field in fields]
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
    if tensor.datatype not in binary.DTYPES:
        wanted = {binary.BOOL: (FLAG,), binary.BYTES: (TEXT, MIXED)}[tensor.datatype]
        if not all(field.written in wanted for field in fields):
            raise _wrong_datatype(tensor, "FP64 (other numbers are converted)")
    data = tensor.data
    if isinstance(data, numpy.ndarray):
        return datatypes.decimals(data)
    if tensor.datatype == binary.BOOL:
        data = datatypes.declared(tensor.name, tensor.datatype, data)
    if not NUMBERS.issuperset(map(type, data)):
        data = _read(data, fields, number_of)
    is_number = tensor.datatype in binary.DTYPES
    return datatypes.declared(tensor.name, tensor.datatype, data) if is_number else data


def _strings_of(tensor: RequestTensor, fields: Sequence[Field], rows: int) -> Flat:
    """The strings of one or several columns; a missing one is None or ""."""
    _check_shape(tensor, fields, rows)
    if tensor.datatype != binary.BYTES and not all(map(takes_others, fields)):
        raise _wrong_datatype(tensor, "BYTES")
    data = tensor.data
    if isinstance(data, numpy.ndarray):
        data = datatypes.decimals(data)
    elif tensor.datatype != binary.BYTES:
        data = datatypes.declared(tensor.name, tensor.datatype, data)
    if isinstance(data, numpy.ndarray):
        data = [None if value != value else value for value in data.tolist()]  # noqa: PLR0124  # NaN is missing
    return data if STRINGS.issuperset(map(type, data)) else _read(data, fields, text_of)


def _read(data: Flat, fields: Sequence[Field], read: Callable[[Field, object], Any]) -> list[Any]:
    values = []
    for place, value in enumerate(data):
        row, column = divmod(place, len(fields))
        try:
            values.append(read(fields[column], value))
        except ValueError as unfit:
            raise violation(fields[column].name, row, str(unfit)) from None
    return values


def _check_shape(tensor: RequestTensor, fields: Sequence[Field], rows: int) -> None:
    if tensor.shape != [rows, len(fields)] and tensor.shape != [rows] * (len(fields) == 1):
        message = f"must have the shape {[rows, len(fields)]}, not {shown(tensor.shape)}"
        raise RequestError(422, f"`{tensor.name}` {message}", tensor.name)


def _wrong_datatype(tensor: RequestTensor, wanted: str) -> RequestError:
    message = f"`{tensor.name}` must have the datatype {wanted}, not {shown(tensor.datatype)}"
    return RequestError(422, message, tensor.name)


def _numbers(values: Flat, fields: Sequence[Field]) -> NDArray[Any]:
    return numpy.ascontiguousarray(values, dtype=numpy.float64).reshape(-1, len(fields))


def _image(field: Field, found: Mapping[str, RequestTensor], rows: int) -> NDArray[numpy.float32]:
    tensor = found.get(field.name)
    shape = (rows, *field.shape)
    if tensor is None:
        if field.nullable:
            return numpy.full(shape, numpy.nan, dtype=numpy.float32)
        raise RequestError(422, f"the input `{field.name}` {MISSING}", field.name)
    if tuple(tensor.shape) != shape:
        message = f"`{field.name}` must have the shape {list(shape)}, not {shown(tensor.shape)}"
        raise RequestError(422, message, field.name)
    if tensor.datatype not in binary.DTYPES:
        raise _wrong_datatype(tensor, "FP32 (other numbers are converted)")
    flat = tensor.data
    if not isinstance(flat, numpy.ndarray):
        if not NUMBERS.issuperset(map(type, flat)):
            raise RequestError(422, f"`{field.name}` must hold numbers only", field.name)
        flat = datatypes.declared(tensor.name, tensor.datatype, flat)
    with numpy.errstate(over="ignore"):
        return numpy.asarray(flat, dtype=numpy.float32).reshape(shape)
