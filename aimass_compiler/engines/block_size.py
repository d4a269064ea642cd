"""How many rows are moved at once: as many as their types decide, whatever the machine."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import polars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What a block takes in memory, about; what is computed of it takes some times as much.
BLOCK_BYTES = 32 * 2**20
_STRING_BYTES = 32
#: An image file, in the column or by its path: what it is decoded to is not known here.
_FILE_BYTES = 64 * 2**10
#: A list, such as a series or a conversation, whose length no type says.
_LIST_BYTES = 4 * 2**10
LEAST_ROWS = 1024


def rows_of_a_block(schema: Mapping[str, polars.DataType]) -> int:
    """How many rows of these types are moved at once."""
    return max(LEAST_ROWS, BLOCK_BYTES // max(1, sum(map(_bytes_of, schema.values()))))


def _bytes_of(kind: polars.DataType) -> int:
    if isinstance(kind, polars.Array):
        return int(4 * polars.Series([], dtype=kind).dtype.size)  # type: ignore[attr-defined]  # an array has one
    if kind == polars.Binary or isinstance(kind, polars.Struct):
        return _FILE_BYTES
    if isinstance(kind, polars.List):
        return _LIST_BYTES
    return 8 if kind.is_numeric() or kind.is_temporal() else _STRING_BYTES


def block_bounds(height: int, size: int) -> list[tuple[int, int]]:
    """Where blocks of so many rows begin and end; none is of one row but the first."""
    starts = [start for start in range(0, max(height, 1), size) if height - start != 1 or not start]
    return list(itertools.pairwise([*starts, height]))


def cut(block: polars.DataFrame, rows: int) -> Iterator[polars.DataFrame]:
    """The rows in blocks of so many."""
    for start, end in block_bounds(block.height, rows):
        yield block.slice(start, end - start)
