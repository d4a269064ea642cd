"""Lines that need no reader: polars splits them at each separator, where that proves to be enough."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars

    from aimass_compiler.catalog.sources.csv import Csv

#: Polars takes milliseconds to prepare for so many columns, for each block anew.
_MOST_COLUMNS = 1000


def is_split_by_polars(dialect: Csv, width: int) -> bool:
    """Whether lines of the dialect can be split at all where nothing odd stands in them."""
    collapses_separators = dialect.strip and dialect.separator == " "
    return 0 < width <= _MOST_COLUMNS and dialect.separator.isascii() and not collapses_separators


def split(lines: Sequence[str], names: int, width: int, dialect: Csv) -> polars.DataFrame | None:
    """The cells of whole lines, by their places as names, without rows that hold nothing.

    None where Python's csv might read other cells: quotes that hold separators, escapes, comments, rows with
    more values than there are names. `width` is how many values the header has, with those that name nothing.
    """
    import polars

    text = "".join(lines)
    if any(sign in text for sign in _odd(dialect)):
        return None
    header = dialect.separator.join(map(str, range(width)))
    text = "\n".join((header, text.replace("\r\n", "\n").replace("\r", "\n")))
    try:
        frame = polars.read_csv(
            io.BytesIO(text.encode()),
            separator=dialect.separator,
            quote_char=None,
            infer_schema=False,
            empty_string_is_null=False,
        )
    except polars.exceptions.PolarsError:
        return None
    if dialect.strip:
        frame = frame.with_columns(polars.all().str.strip_chars_start(" "))
    bare = frame if dialect.quote == "none" or dialect.quote not in text else _unquoted(frame, dialect.quote)
    if bare is None or any((column != "").any() for column in bare.get_columns()[names:]):
        return None
    return bare.filter(~_is_blank(bare))


def _odd(dialect: Csv) -> list[str]:
    """What makes more of a line than cells between separators."""
    return [sign for sign in ("\0", dialect.escape, dialect.comment) if sign]


def _unquoted(frame: polars.DataFrame, quote: str) -> polars.DataFrame | None:
    """The cells without the quotes around them; None where a cell begins with a quote that it does not end.

    No quote then holds a separator or a line end, so that every cell was split where it ends. A quote that
    does not stand at the beginning is a plain character.
    """
    columns = []
    for column in frame.iter_columns():
        is_quoted = column.str.starts_with(quote)
        if not is_quoted.any():
            columns.append(column)
            continue
        inner = column.str.strip_prefix(quote)
        closes = inner.str.ends_with(quote)
        inner = inner.str.strip_suffix(quote)
        if (is_quoted & (~closes | inner.str.contains(quote, literal=True))).any():
            return None
        columns.append(inner if is_quoted.all() else inner.zip_with(is_quoted, column))
    return frame.with_columns(columns)


def _is_blank(frame: polars.DataFrame) -> polars.Series:
    import polars

    blank = polars.repeat(value=True, n=frame.height, dtype=polars.Boolean, eager=True)
    for column in frame.iter_columns():
        blank &= column == ""
        if not blank.any():
            break
    return blank
