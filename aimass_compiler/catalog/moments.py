"""Moments in ISO 8601 as one number each, so that they can be put in order."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars

#: What databases and logs write before or in place of an offset: `… 00:00:00 UTC`, `… 00:00:00 +0000`.
_UTC = re.compile(r"(?<=\d) ?(?:UTC|GMT|Z)$|(?<=\d) ([-+]\d{2}:?\d{2})$")
_START = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(texts: polars.Series) -> polars.Series:
    """Microseconds since 1970 in UTC; null for what is no date or moment of ISO 8601.

    A moment without an offset counts as UTC, a date as its first moment.
    """
    import polars

    known = {text: _of(text) for text in texts.drop_nulls().unique()}
    return texts.replace_strict(list(known), list(known.values()), default=None, return_dtype=polars.Int64)


def is_moment(text: str) -> bool:
    """Whether a text is a date or moment of ISO 8601."""
    return _of(text) is not None


def _of(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(_UTC.sub(r"\1", text.strip()))
    except ValueError:
        return None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _START
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
