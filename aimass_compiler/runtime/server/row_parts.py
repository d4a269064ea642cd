"""Rows of a request in parts, so that what the graph makes of one on its way is never large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

_MOST_ROWS = 4096
#: Words and letters of texts are tables in the graph: as many rows, each as wide as the longest text.
_MOST_LETTERS = 1 << 22


def row_parts(tensors: Mapping[str, NDArray[Any]]) -> Iterator[slice]:
    """All rows in their order; a long text stands beside few others."""
    rows = len(next(iter(tensors.values())))
    texts = tensors.get(conventions.STRINGS_TENSOR)
    if texts is None or rows * max(map(len, texts.ravel().tolist()), default=0) <= _MOST_LETTERS:
        yield from (slice(start, start + _MOST_ROWS) for start in range(0, rows, _MOST_ROWS))
        return
    start = widest = 0
    for row, own in enumerate(texts.tolist()):
        length = max(map(len, own))
        if row - start == _MOST_ROWS or (row + 1 - start) * max(widest, length) > _MOST_LETTERS:
            if row > start:
                yield slice(start, row)
            start, widest = row, 0
        widest = max(widest, length)
    yield slice(start, rows)
