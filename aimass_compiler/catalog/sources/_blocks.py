"""Lines that need no reader: polars splits them at each separator, where that proves to be enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import polars

    from aimass_compiler.catalog.sources._separated_text import SeparatedText

#: Polars takes milliseconds to prepare for so many columns, for each block anew.
_MOST_COLUMNS = 1000
#: Numbers below it are written with fewer digits than float64 might round.
_EXACT = 1e15


def is_split_by_polars(dialect: SeparatedText, width: int) -> bool:
    """Whether lines of the dialect can be split at all where nothing odd stands in them."""
    collapses_separators = dialect.strip and dialect.separator == " "
    return 0 < width <= _MOST_COLUMNS and dialect.separator.isascii() and not collapses_separators


def split(
    block: bytes, names: int, width: int, dialect: SeparatedText, numbers: Collection[str]
) -> polars.DataFrame | None:
    """The cells of whole lines, by their places as names, without rows that hold nothing.

    None where Python's csv might read other cells: quotes that hold separators, escapes, comments, rows with
    more values than there are names. `width` is how many values the header has, with those that name nothing.
    At the places of `numbers` cells may be numbers already.
    """
    import polars

    if any(sign.encode() in block for sign in _odd(dialect)):
        return None
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    frame = _cells_of(block, width, dialect, numbers) if numbers else None
    frame = _cells_of(block, width, dialect, ()) if frame is None else frame
    if frame is None:
        return None
    if dialect.strip:
        frame = frame.with_columns(polars.selectors.string().as_expr().str.strip_chars_start(" "))
    has_quotes = dialect.quote != "none" and dialect.quote.encode() in block
    bare = _unquoted(frame, dialect.quote) if has_quotes else frame
    if bare is None or any((column != "").any() for column in bare.get_columns()[names:]):
        return None
    return bare.filter(~_is_blank(bare))


def _cells_of(
    block: bytes, width: int, dialect: SeparatedText, numbers: Collection[str]
) -> polars.DataFrame | None:
    import polars

    header = dialect.separator.join(map(str, range(width)))
    try:
        return polars.read_csv(
            b"\n".join((header.encode(), block)),
            separator=dialect.separator,
            quote_char=None,
            infer_schema=False,
            schema_overrides=dict.fromkeys(numbers, polars.Float64),
            empty_string_is_null=False,
        )
    except polars.exceptions.PolarsError:
        return None


def _odd(dialect: SeparatedText) -> list[str]:
    """What makes more of a line than cells between separators."""
    return [sign for sign in ("\0", dialect.escape, dialect.comment) if sign]


def as_numbers(frame: polars.DataFrame, names: Sequence[str]) -> polars.DataFrame | None:
    """The frame with numbers at these names, where they say all that the cells do; else None.

    They do not where a cell is none, or has so many digits that float64 might round it.
    """
    import polars
    from polars import selectors

    texts = frame.select(selectors.by_name(*names) & selectors.string())
    texts = texts.with_columns(polars.all().str.strip_chars())
    numbers = texts.with_columns(polars.all().cast(polars.Float64, strict=False))
    blank = texts.select((polars.all() == "").sum())
    if any(blank[name].item() != column.null_count() for name, column in numbers.to_dict().items()):
        return None
    found = frame.with_columns(numbers.get_columns())
    exact = found.select(selectors.by_name(*names).abs() < _EXACT)
    return found if all(column.all() for column in exact.iter_columns()) else None


def _unquoted(frame: polars.DataFrame, quote: str) -> polars.DataFrame | None:
    """The cells without the quotes around them; None where a cell begins with a quote that it does not end.

    No quote then holds a separator or a line end, so that every cell was split where it ends. A quote that
    does not stand at the beginning is a plain character.
    """
    import polars

    columns = []
    for column in frame.iter_columns():
        if column.dtype != polars.String:
            columns.append(column)
            continue
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
        blank &= column == "" if column.dtype == polars.String else column.is_null()
        if not blank.any():
            break
    return blank
