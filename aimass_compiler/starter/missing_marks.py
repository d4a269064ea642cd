"""What stands for a missing value in a column of texts: words such as `NA`, and numbers such as -999."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars

#: What spreadsheets, R, pandas, SQL and people write where a value is missing.
USUAL_MARKS = frozenset(
    (
        *("na", "n/a", "n.a.", "nan", "null", "(null)", "<na>", "none", "nil", "\\n"),
        *("#n/a", "#value!", "#div/0!", "#ref!", "#name?", "#num!", "#null!", "(blank)"),
        *("-", "--", "?", ".", "..", *"\u2212\u2013\u2014"),
    )
)
#: Those that are no category either; `NA` may be Namibia, and `-` a result.
_NO_CATEGORIES = frozenset(("n/a", "#n/a", "nan", "null", "?", "\\n", "<na>", "(null)"))
_MOST_CATEGORIES = 100
#: Beside so many different numbers or dates, a single word is no value but a mark, too.
_FEWEST_KNOWN = 30
#: Numbers that instruments and surveys write where they have none, such as -99, -999.0 and -200.
_SENTINEL = r"^-(9{2,}|200|32768)([.,]0+)?$"
_FEWEST_SENTINELS = 2


def without_marks(values: polars.Series) -> tuple[polars.Series, tuple[str, ...]]:
    """The distinct values [N] of a column of numbers or dates, and apart from them those that are marks."""
    are = values.str.to_lowercase().is_in(list(USUAL_MARKS))
    others = values.filter(~are)
    words = others.filter(~others.str.contains("[0-9]"))
    if len(words) == 1 and len(others) > _FEWEST_KNOWN:
        are |= values == words[0]
    return values.filter(~are), tuple(sorted(values.filter(are)))


def mark_notes(marks: Sequence[str]) -> list[str]:
    """That a word which is not known for it stands for what is missing."""
    return [f"`{mark}` is read as missing" for mark in marks if mark.lower() not in USUAL_MARKS]


def marks_beside_categories(values: polars.Series) -> tuple[str, ...]:
    """The marks among the distinct values [N] of a column of categories; none among those of a text."""
    if len(values) > _MOST_CATEGORIES:
        return ()
    are = values.str.to_lowercase().is_in(list(_NO_CATEGORIES))
    return () if are.all() else tuple(sorted(values.filter(are)))


def sentinels(frame: polars.DataFrame) -> dict[str, tuple[str, ...]]:
    """By column: the negative number that occurs repeatedly where no other value is below 0."""
    import polars

    cell = polars.all().str.strip_chars()
    counted = frame.select(cell.str.contains(_SENTINEL).sum()).row(0) if frame.width else ()
    names = [name for name, count in zip(frame.columns, counted, strict=True) if count >= _FEWEST_SENTINELS]
    found = {}
    for name in names:
        values = frame.get_column(name).drop_nulls().str.strip_chars().unique()
        negative = values.filter(values.str.starts_with("-"))
        if negative.str.contains(_SENTINEL).all() and len(negative.str.extract("^-([0-9]+)").unique()) == 1:
            found[name] = tuple(sorted(negative))
    return found
