"""Rows of a table as the JSON values that a request carries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aimass_compiler.expression.column_types import NumberSeries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars


def as_json(rows: polars.DataFrame, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each row by column name, only what the model reads; null where missing, pictures as nested lists.

    A series is as long as it is, and a list of numbers where it has one channel.
    """
    from polars import selectors

    places = {column["name"]: column for column in inputs}
    return [
        {name: _value(value, places[name]) for name, value in row.items()}
        for row in rows.select(selectors.by_name(*places)).iter_rows(named=True)
    ]


def _value(value: Any, column: Mapping[str, Any]) -> Any:
    if value is None or "shape" not in column:
        return value
    if column["type"] != NumberSeries.name:
        return _nested(value, column["shape"])
    _, channels = column["shape"]
    present = [number for number in value if not math.isnan(number)]
    return present if channels == 1 else _nested(present, (len(present) // channels, channels))


def _nested(values: Sequence[Any], shape: Sequence[int]) -> Sequence[Any]:
    if len(shape) == 1:
        return values
    size = len(values) // shape[0]
    return [_nested(values[start : start + size], shape[1:]) for start in range(0, len(values), size)]
