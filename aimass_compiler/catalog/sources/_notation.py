"""Numbers and dates in the notations that files have, as the plain ones that everything else reads."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars

#: An amount in parentheses is negative, as accountants write it.
PARENTHESES = "()"
#: Typographers' minus and en dash, which stand for `-` before a number.
MINUSES = ("\u2212", "\u2013")
#: Python's directives that mean the same to polars; what a time of day is made of comes last.
_DIRECTIVES = frozenset("YymdbBjaAHIMSpzf%")
_OF_DAYS = ("%H", "%I")
_PROBE = datetime(2023, 11, 25, 14, 35, 41, 250000, tzinfo=UTC)


def number_pattern(decimal: str, thousands: str) -> str:
    """The regular expression of a whole cell that is a number; groups have three digits, or India's two."""
    point, mark = re.escape(decimal), re.escape(thousands)
    whole = "[0-9]+"
    if thousands:
        whole = (
            f"(?:[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]{{1,2}}(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}|[0-9]+)"
        )
    return f"^[-+]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][-+]?[0-9]+)?$"


def plain_numbers(texts: polars.Series, decimal: str, thousands: str, signs: Sequence[str]) -> polars.Series:
    """The numbers as Python writes them; null for what is no number in this notation."""
    bare = unsigned(texts.str.strip_chars(), signs)
    fits = bare.str.contains(number_pattern(decimal, thousands))
    if thousands:
        bare = bare.str.replace_all(thousands, "", literal=True)
    if decimal != ".":
        bare = bare.str.replace_all(decimal, ".", literal=True)
    return bare.set(~fits, None)


def unsigned(texts: polars.Series, signs: Sequence[str]) -> polars.Series:
    """The texts without the signs before or behind the number, and without what is between."""
    for minus in MINUSES:
        if minus in signs:
            texts = texts.str.replace_all(minus, "-", literal=True)
    if PARENTHESES in signs:
        texts = texts.str.replace(r"^\((.*)\)$", "-${1}")
    for sign in signs:
        if sign in (PARENTHESES, *MINUSES):
            continue
        shown = re.escape(sign)
        texts = texts.str.replace(rf"^([-+]?)\s*{shown}\s*([-+]?)", "${1}${2}")
        texts = texts.str.replace(rf"\s*{shown}$", "")
    return texts


def format_problem(pattern: str) -> str:
    """Why dates cannot be read by a format, or ""."""
    for letter in re.findall("%(.?)", pattern):
        if letter not in _DIRECTIVES:
            return f"there is no `%{letter}`"
    try:
        read = datetime.strptime(_PROBE.strftime(pattern), pattern)  # only the day is looked at
    except ValueError as error:
        return str(error)
    return "" if read.date() == _PROBE.date() else "it lacks the year, the month or the day"


def has_time_of_day(pattern: str) -> bool:
    """Whether the format tells more than the day."""
    return any(directive in pattern for directive in _OF_DAYS)


def iso_moments(texts: polars.Series, pattern: str) -> polars.Series:
    """Dates and moments in ISO 8601; null for what the format does not fit. Offsets are taken into UTC."""
    import polars

    bare = texts.str.strip_chars()
    if not has_time_of_day(pattern):
        return bare.str.to_date(pattern, strict=False).dt.to_string("%Y-%m-%d")
    moments = bare.str.to_datetime(pattern.replace(".%f", "%.f"), strict=False, time_unit="us")
    shown = moments.dt.to_string("%Y-%m-%dT%H:%M:%S%.f")
    return polars.Series(shown + "Z") if "%z" in pattern else shown
