"""Rows of a table as the tensors that an ONNX graph reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy
import polars
from polars import selectors

from aimass_compiler import conventions
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.expression.timestamp_columns import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


def pack(rows: polars.DataFrame, inputs: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """The tensors by name, for the `inputs` of features.json or signature.json.

    A missing number becomes NaN, a missing string the empty string, a missing image NaNs. A time is a text in
    rows, and a number of seconds in tensors.
    """
    tensors: dict[str, NDArray[Any]] = {}
    numbers = _columns_of(inputs, conventions.NUMBERS_TENSOR)
    strings = _columns_of(inputs, conventions.STRINGS_TENSOR)
    if numbers:
        timed = rows.with_columns(
            seconds(values_of(rows, name)).alias(name)
            for name in numbers
            if rows.schema[name] == polars.String
        )
        tensors[conventions.NUMBERS_TENSOR] = _beside(timed, numbers, polars.Float64, numpy.nan)
    if strings:
        tensors[conventions.STRINGS_TENSOR] = _beside(rows, strings, polars.String, "").astype(object)
    for column in inputs:
        if "index" not in column:
            tensors[column["tensor"]] = _pictures(values_of(rows, column["name"]), column["shape"])
    return tensors


def _columns_of(inputs: Sequence[Mapping[str, Any]], tensor: str) -> list[str]:
    packed = [column for column in inputs if "index" in column and column["tensor"] == tensor]
    return [column["name"] for column in sorted(packed, key=lambda column: int(column["index"]))]


def _beside(
    rows: polars.DataFrame, names: Sequence[str], kind: type[polars.DataType], missing: float | str
) -> NDArray[Any]:
    # By name, because `select` takes `*` and `^…$` for patterns.
    table = rows.select(selectors.by_name(*names)).cast(kind)
    return table.fill_null(missing).to_numpy(order="c")


def _pictures(column: polars.Series, shape: Sequence[int]) -> NDArray[numpy.float32]:
    pictures = column.cast(polars.Array(polars.Float32, math.prod(shape))).to_numpy()
    return numpy.ascontiguousarray(pictures, dtype=numpy.float32).reshape(len(column), *shape)
