"""Timestamps in ISO 8601 as numbers: training, the server and the compiler read the same ones alike."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

#: What databases and logs write before or in place of an offset: `… 00:00:00 UTC`, `… 00:00:00 +0000`.
_UTC = re.compile(r"(?<=\d) ?(?:UTC|GMT|Z)$|(?<=\d) ([-+]\d{2}:?\d{2})$")
_START = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(text: str) -> int | None:
    """Microseconds since 1970 in UTC; None for what is no date or timestamp of ISO 8601.

    A timestamp without an offset counts as UTC, a date as its midnight.
    """
    try:
        timestamp = datetime.fromisoformat(_UTC.sub(r"\1", text.strip()))
    except ValueError:
        return None
    since = (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)) - _START
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def seconds(text: str) -> float | None:
    """The same in seconds, to the nearest float64: what transforms compute with and a serving graph reads."""
    found = microseconds(text)
    return None if found is None else found / 1_000_000


def text(since: float) -> str:
    """The timestamp so many seconds after 1970, in UTC; what no calendar has stays a number."""
    try:
        return (_START + timedelta(seconds=since)).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError):
        return repr(since)
