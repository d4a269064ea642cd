"""Moments in ISO 8601 as one number each, so that they can be put in order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars

_START = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(texts: polars.Series) -> polars.Series:
    """Microseconds since 1970 in UTC; null for what is no date or moment of ISO 8601.

    A moment without an offset counts as UTC, a date as its first moment.
    """
    import polars

    known = {text: _of(text) for text in texts.drop_nulls().unique()}
    return texts.replace_strict(list(known), list(known.values()), default=None, return_dtype=polars.Int64)


def _of(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _START
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
