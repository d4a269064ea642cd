"""Columns with an array in each row, images and series, from files and from lists of numbers."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import polars

from aimass_compiler.conventions import CHAT_ROLES, FILE_PATH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aimass_compiler.pipeline.columns import ChatColumn, SeriesColumn

#: The field of a value with the content of a file, as Hugging Face's data sets write images.
_CONTENT = "bytes"


def holds_files(kind: polars.DataType) -> bool:
    """Whether a column of images has files in it, by their content or by their path."""
    if isinstance(kind, polars.Struct):
        return any(field.name in (FILE_PATH, _CONTENT) for field in kind.fields)
    return kind == polars.Binary


def _decoded(raw: polars.Series, shape: tuple[int, ...]) -> polars.Series:
    """The pixels of image files; null where one cannot be decoded."""
    from aimass_compiler.runtime.server.image_files import pixels

    def of(value: Any) -> NDArray[numpy.float32] | None:
        if isinstance(value, dict):
            path = value.get(FILE_PATH)
            value = Path(path).read_bytes() if path else value.get(_CONTENT)
        try:
            return None if value is None else pixels(value, shape).ravel()
        except ValueError:
            return None

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # Pillow decodes without Python's lock
        found = list(threads.map(of, raw.to_list()))
    is_missing = polars.Series([values is None for values in found])
    nothing = numpy.zeros(math.prod(shape), numpy.float32)
    stacked = numpy.stack([nothing, *(nothing if values is None else values for values in found)])[1:]
    series = polars.Series(raw.name, stacked, dtype=polars.Array(polars.Float32, math.prod(shape)))
    return series.set(is_missing, None)


def typed_images(raw: polars.Series, shape: tuple[int, ...]) -> polars.Series:
    size = math.prod(shape)
    kind = polars.Array(polars.Float32, size)
    if holds_files(raw.dtype):
        return _decoded(raw, shape)
    if raw.dtype.is_nested() and not isinstance(raw.dtype, polars.Struct):
        lists = raw.cast(polars.List(polars.Float32), strict=False)
        fits = (lists.list.len() == size) & lists.list.eval(polars.element().is_finite()).list.all()
        return lists.set(~fits, None).cast(kind)
    return polars.Series(raw.name, [None] * len(raw), dtype=kind)


def typed_series(raw: polars.Series, column: SeriesColumn) -> polars.Series:
    """The steps of each series one after the other, NaN behind the last one."""
    size = column.length * column.channels
    kind = polars.Array(polars.Float32, size)
    if not raw.dtype.is_nested() or isinstance(raw.dtype, polars.Struct):
        return polars.Series(raw.name, [None] * len(raw), dtype=kind)
    flat, is_whole = raw, raw.is_not_null()
    if raw.dtype.inner.is_nested():  # type: ignore[attr-defined]  # a list or an array
        steps = raw.cast(polars.List(polars.List(polars.Float32)), strict=False)
        is_whole = steps.list.eval(polars.element().list.len() == column.channels).list.all()
        flat = steps.list.eval(polars.element().explode())
    lists = flat.cast(polars.List(polars.Float32), strict=False)
    length = lists.list.len()
    is_finite = lists.list.eval(polars.element().is_finite().fill_null(value=False)).list.all()
    fits = (length > 0) & (length <= size) & (length % column.channels == 0) & is_finite & is_whole
    behind = polars.lit(polars.Series([[math.nan] * size], dtype=polars.List(polars.Float32)))
    padded = polars.DataFrame({"series": lists.set(~fits, None)}).select(
        polars.concat_list("series", behind).list.head(size).cast(kind)
    )
    return padded.to_series().alias(raw.name)


def typed_chats(raw: polars.Series, column: ChatColumn) -> polars.Series:
    """The turns of each conversation, each a known role and what was said; others are null."""
    kind = column.column_type.dtype
    turn = getattr(raw.dtype, "inner", None)
    fields = {field.name for field in turn.fields} if isinstance(turn, polars.Struct) else set()
    if not {"role", "content"} <= fields:
        return polars.Series(raw.name, [None] * len(raw), dtype=kind)
    role, said = (polars.element().struct.field(name) for name in ("role", "content"))
    turns = raw.list.eval(polars.struct(role=role, content=said.cast(polars.String))).cast(kind)
    is_known = role.is_in(CHAT_ROLES) & said.is_not_null()
    is_whole = turns.list.eval(is_known).list.all() & (turns.list.len() > 0)
    return turns.set(~is_whole, None)
