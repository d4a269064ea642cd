"""Columns of timestamps in ISO 8601 as numbers, so that they can be sorted and computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler import timestamps

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars


def microseconds(texts: polars.Series) -> polars.Series:
    """Whole microseconds since 1970 in UTC; null for what is no date or timestamp: see `timestamps`."""
    import polars

    return _each(texts, timestamps.microseconds, polars.Int64())


def seconds(texts: polars.Series) -> polars.Series:
    """Seconds since 1970 in UTC as float64; null for what is no date or timestamp."""
    import polars

    return _each(texts, timestamps.seconds, polars.Float64())


def _each(texts: polars.Series, read: Callable[[str], float | None], dtype: polars.DataType) -> polars.Series:
    known = {text: read(text) for text in texts.drop_nulls().unique()}
    return texts.replace_strict(list(known), list(known.values()), default=None, return_dtype=dtype)
