"""Tensors of an inference request become the tensors that the model reads."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from aimass_compiler import conventions
from aimass_compiler.runtime.server import binary
from aimass_compiler.runtime.server.answer import RequestError, shown, violation
from aimass_compiler.runtime.server.contract import MISSING, nearest
from aimass_compiler.runtime.server.decimals import meant, widened
from aimass_compiler.runtime.server.rows import NUMBERS, STRINGS, wrong_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.package import Field, Signature

#: Values in row-major order, before they have one type.
Flat = list[Any] | numpy.ndarray[Any, Any]


class Given(NamedTuple):
    """One tensor of a request as it was sent; `data` is a list, or bytes from behind the JSON."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any] | memoryview


class TensorReader:
    """Accepts one tensor a column, or the packed tensors as model.onnx has them.

    A tensor whose name is a column's is that column, even where the column is called `numbers`.
    """

    def __init__(self, signature: Signature) -> None:
        self._images = signature.images
        self._packed = {
            name: fields
            for name, fields in (
                (conventions.NUMBERS_TENSOR, signature.numbers),
                (conventions.STRINGS_TENSOR, signature.strings),
            )
            if fields
        }
        self._columns = frozenset(field.name for field in signature.fields)
        self._accepted = self._columns | self._packed.keys() | signature.ignored

    def tensors(self, inputs: object, tail: memoryview) -> dict[str, NDArray[Any]]:
        """The model's tensors from `inputs` and the binary data behind the JSON.

        Raises RequestError: 400 for what the protocol forbids, 422 for what the contract does.
        """
        found = _given(inputs, tail)
        for name in found.keys() - self._accepted:
            hint = nearest(name, self._accepted)
            told = f"there is no input {shown(name)}{'; ' if hint else ''}{hint}"
            raise RequestError(422, told, name[:100])
        rows = _rows(found)
        tensors = {}
        for name, fields in self._packed.items():
            array = _numbers if name == conventions.NUMBERS_TENSOR else _strings
            if name in found and name not in self._columns:
                tensors[name] = array(_flat(found[name], fields, rows)).reshape(rows, len(fields))
            else:
                columns = array([_column(field, found, rows) for field in fields])
                tensors[name] = numpy.ascontiguousarray(columns.T)
        for field in self._images:
            tensors[field.tensor] = _image(field, found, rows)
        return tensors


def _given(inputs: object, tail: memoryview) -> dict[str, Given]:
    if not isinstance(inputs, list) or not inputs:
        raise RequestError(400, f"`inputs` must be a list of at least one tensor, not {shown(inputs)}")
    found: dict[str, Given] = {}
    start = 0
    for tensor in inputs:
        given = _one(tensor, tail[start:])
        if given.name in found:
            raise RequestError(400, f"two tensors of `inputs` are called {shown(given.name)}")
        found[given.name] = given
        if isinstance(given.data, memoryview):
            start += len(given.data)
    if start != len(tail):
        raise RequestError(400, f"{len(tail) - start} bytes behind the JSON belong to no tensor")
    return found


def _one(tensor: object, tail: memoryview) -> Given:
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        raise RequestError(400, f"each of `inputs` must be an object with a `name`, not {shown(tensor)}")
    name, shape, datatype = tensor["name"], tensor.get("shape"), tensor.get("datatype")
    if not isinstance(shape, list) or not shape or not all(type(size) is int and size >= 0 for size in shape):
        raise RequestError(400, f"`{name}` needs a `shape` such as [1, 1], not {shown(shape)}", name)
    if not isinstance(datatype, str):
        raise RequestError(
            400, f"`{name}` needs a `datatype` such as FP64 or BYTES, not {shown(datatype)}", name
        )
    parameters = tensor.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is None:
        data = tensor.get("data")
        if not isinstance(data, list):
            raise RequestError(400, f"`{name}` needs `data`, a list of its values, not {shown(data)}", name)
        return Given(name, datatype, shape, _flattened(name, data))
    if type(size) is not int or not 0 <= size <= len(tail):
        told = f"`binary_data_size` is {shown(size)}, but {len(tail)} bytes are left behind the JSON"
        raise RequestError(400, f"`{name}`: {told}", name)
    return Given(name, datatype, shape, tail[:size])


def _flattened(name: str, data: list[Any]) -> list[Any]:
    """The innermost values of lists nested to one depth, in row-major order."""
    while data and type(data[0]) is list:
        if not all(type(part) is list for part in data):
            raise RequestError(400, f"the lists of `{name}` are not nested to one depth", name)
        data = list(chain.from_iterable(data))
    return data


def _rows(found: Mapping[str, Given]) -> int:
    sizes = {given.shape[0] for given in found.values()}
    if len(sizes) > 1:
        told = ", ".join(f"`{given.name}` has {given.shape[0]}" for given in list(found.values())[:4])
        raise RequestError(400, f"all inputs must have the same number of rows, but {told}")
    rows = sizes.pop()
    if rows == 0:
        raise RequestError(400, "`inputs` has no row: send tensors of shape [N, 1] with N of at least 1")
    return rows


def _column(field: Field, found: Mapping[str, Given], rows: int) -> Flat:
    given = found.get(field.name)
    if given is not None:
        return _flat(given, (field,), rows)
    if field.nullable:
        return [None] * rows
    raise RequestError(422, f"the input `{field.name}` is missing, and the model needs it", field.name)


def _flat(given: Given, fields: Sequence[Field], rows: int) -> Flat:
    """The values of one or several columns; a missing one is None, NaN or ""."""
    is_string = fields[0].tensor == conventions.STRINGS_TENSOR
    if given.shape != [rows, len(fields)] and given.shape != [rows] * (len(fields) == 1):
        told = f"must have the shape {[rows, len(fields)]}, not {given.shape}"
        raise RequestError(422, f"`{given.name}` {told}", given.name)
    _check_datatype(given, is_string=is_string)
    if isinstance(given.data, memoryview):
        if is_string:
            return binary.read_strings(given.name, given.shape, given.data)
        numbers = binary.read_numbers(given.name, given.datatype, given.shape, given.data)
        return widened(numbers) if numbers.dtype.kind == "f" else numbers
    _check_length(given)
    accepted = STRINGS if is_string else NUMBERS
    if not accepted.issuperset(map(type, given.data)):
        place = next(place for place, value in enumerate(given.data) if type(value) not in accepted)
        row, column = divmod(place, len(fields))
        what = wrong_type("a string" if is_string else "a number", given.data[place])
        raise violation(fields[column].name, row, what)
    return meant(_numbers(given.data), binary.DTYPES[given.datatype]) if _is_narrow(given) else given.data


def _is_narrow(given: Given) -> bool:
    """Whether clients write the tensor's JSON from numbers that were rounded more than doubles are."""
    return given.datatype in ("FP16", "FP32")


def _check_datatype(given: Given, *, is_string: bool) -> None:
    if given.datatype == binary.BYTES if is_string else given.datatype in binary.DTYPES:
        return
    wanted = "BYTES" if is_string else "FP64 (other numbers are converted)"
    told = f"`{given.name}` must have the datatype {wanted}, not {shown(given.datatype)}"
    raise RequestError(422, told, given.name)


def _check_length(given: Given) -> None:
    if len(given.data) != math.prod(given.shape):
        told = f"has {len(given.data)} values, but its shape is {given.shape}"
        raise RequestError(400, f"`{given.name}` {told}", given.name)


def _numbers(values: Flat | Sequence[Flat]) -> NDArray[Any]:
    return numpy.array(values, dtype=numpy.float64)


def _strings(values: Flat | Sequence[Flat]) -> NDArray[Any]:
    strings = numpy.array(values, dtype=object)
    strings[strings == None] = ""  # noqa: E711  # compared element by element, which `is` cannot
    return strings


def _image(field: Field, found: Mapping[str, Given], rows: int) -> NDArray[numpy.float32]:
    given = found.get(field.name)
    shape = (rows, *field.shape)
    if given is None:
        if field.nullable:
            return numpy.full(shape, numpy.nan, dtype=numpy.float32)
        raise RequestError(422, f"the input `{field.name}` {MISSING}", field.name)
    if tuple(given.shape) != shape:
        told = f"`{field.name}` must have the shape {list(shape)}, not {given.shape}"
        raise RequestError(422, told, field.name)
    _check_datatype(given, is_string=False)
    if isinstance(given.data, memoryview):
        flat: Flat = binary.read_numbers(given.name, given.datatype, given.shape, given.data)
    else:
        _check_length(given)
        if not NUMBERS.issuperset(map(type, given.data)):
            raise RequestError(422, f"`{field.name}` must hold numbers only", field.name)
        flat = given.data
    with numpy.errstate(over="ignore"):
        return numpy.asarray(flat, dtype=numpy.float32).reshape(shape)
