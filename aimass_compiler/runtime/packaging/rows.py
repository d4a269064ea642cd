"""Rows of a table as the JSON values that a request carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars


def as_json(rows: polars.DataFrame, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each row by column name, only what the model reads; null where missing, pictures as nested lists."""
    from polars import selectors

    names = [column["name"] for column in inputs]
    shapes = {column["name"]: column["shape"] for column in inputs if column["type"] == "image"}
    return [
        {name: _nested(value, shapes[name]) if name in shapes else value for name, value in row.items()}
        for row in rows.select(selectors.by_name(*names)).iter_rows(named=True)
    ]


def _nested(values: Sequence[Any] | None, shape: Sequence[int]) -> Sequence[Any] | None:
    if values is None or len(shape) == 1:
        return values
    size = len(values) // shape[0]
    return [_nested(values[start : start + size], shape[1:]) for start in range(0, len(values), size)]
