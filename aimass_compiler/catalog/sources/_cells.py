"""The cells of a file of separated values, row by row, by a dialect that was declared and never guessed."""

from __future__ import annotations

import contextlib
import csv
import itertools
import re
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.source import UnreadableError
from aimass_compiler.catalog.sources import _blocks, _text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import polars

    from aimass_compiler.catalog.sources._separated_text import SeparatedText

#: So few that they stay in the processor's cache: 20,000 take twice the time.
_ROWS_AT_ONCE = 1000
#: Of the first block, which a file that needs a reader mostly fails in, and of the largest.
_FEWEST_BYTES, _MOST_BYTES = 1 << 16, 1 << 23
#: What the C of Python's csv takes as a limit on every platform.
_LONGEST_CELL = 2**31 - 1


class Cells:
    """One file, opened: the columns' names, and then the rows, each once.

    Only with `is_numbered` it knows at which line a row began; counting them takes time.
    """

    def __init__(
        self, source: _text.Lines | Sequence[str], dialect: SeparatedText, *, is_numbered: bool = False
    ) -> None:
        self._dialect = dialect
        self._source = source
        self._lines = lines = iter(source)
        skipped = sum(1 for _ in itertools.islice(lines, dialect.skip))
        self._counted = _Counted(lines, dialect.comment, skipped) if dialect.comment or is_numbered else None
        self._reader = _reader(self._counted or lines, dialect)
        self._first: list[list[str]] = []
        self._width = 0
        self._header: list[str] | None = None
        self.names = self._names()

    @property
    def line(self) -> int:
        """The line at which the row that is being read began, from 1."""
        return self._counted.began if self._counted else 0

    def _names(self) -> tuple[str, ...]:
        header = self._dialect.header
        if isinstance(header, tuple):
            self._width = len(header)
            return header
        first = next(filter(any, self), [])
        self._width = len(first)
        if header == "none":
            self._first = [first] if first else []
            return tuple(f"column_{number}" for number in range(1, len(first) + 1))
        # Files that were put together repeat it; one name alone may be a value as well.
        self._header = first if len(first) > 1 else None
        names = [name.strip() if self._dialect.strip else name for name in first]
        while names and not names[-1]:  # the separator at the end of a line begins no column
            names.pop()
        return tuple(names)

    def __iter__(self) -> Iterator[list[str]]:
        return self._row_by_row(self._counted) if self._counted else self._reader

    def _row_by_row(self, lines: _Counted) -> Iterator[list[str]]:
        for row in self._reader:
            lines.is_between_rows = True
            yield row

    def frames(self, numbers: Collection[str]) -> Iterator[polars.DataFrame]:
        """The rows that `chunks` has, as columns, up to lines that need a reader: `chunks` goes on there.

        At the places of `numbers` cells may be numbers already.
        """
        lines, width = self._source, self._width
        if (
            self._first
            or not isinstance(lines, _text.Lines)
            or not _blocks.is_split_by_polars(self._dialect, width)
        ):
            return
        size = _FEWEST_BYTES
        while block := lines.block(size):
            size = min(4 * size, _MOST_BYTES)
            frame = _blocks.split(block, len(self.names), width, self._dialect, numbers)
            if frame is None:
                lines.take_back(block)
                self._counted = _Counted(self._lines, self._dialect.comment, 0) if self._counted else None
                self._reader = _reader(self._counted or self._lines, self._dialect)
                return
            yield self._without_header(frame)

    def _without_header(self, frame: polars.DataFrame) -> polars.DataFrame:
        import polars

        repeats = None
        for column, name in zip(frame.iter_columns(), self._header or (), strict=False):
            if column.dtype != polars.String:
                return frame
            repeats = column == name if repeats is None else repeats & (column == name)
            if not repeats.any():
                return frame
        return frame if repeats is None else frame.filter(~repeats.fill_null(value=False))

    def chunks(self) -> Iterator[list[list[str]]]:
        """Rows that hold something and do not repeat the header, a thousand at a time."""
        rows = itertools.chain(self._first, self)
        while chunk := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            if kept := [row for row in chunk if any(row) and row != self._header]:
                yield kept

    def numbered(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that `chunks` has, with the line where it begins."""
        for row in self._first:
            yield self.line, row
        for row in self:
            if any(row) and row != self._header:
                yield self.line, row


class _Counted:
    """Lines with their numbers, without those between rows that are comments; within quotes they are none."""

    def __init__(self, lines: Iterator[str], comment: str, skipped: int) -> None:
        self._lines = lines
        self._comment = comment
        self._number = skipped
        self.began = skipped + 1
        self.is_between_rows = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._next()
        while self.is_between_rows and self._comment and line.startswith(self._comment):
            line = self._next()
        if self.is_between_rows:
            self.began = self._number
        self.is_between_rows = False
        return line

    def _next(self) -> str:
        line = next(self._lines)
        self._number += 1
        return line


def _reader(lines: Iterator[str], dialect: SeparatedText) -> Any:
    csv.field_size_limit(_LONGEST_CELL)
    has_quotes = dialect.quote != "none"
    if dialect.escape == "\\":
        lines = _without_nulls(lines, dialect.separator)
    return csv.reader(
        lines,
        delimiter=dialect.separator,
        quotechar=dialect.quote if has_quotes else None,
        quoting=csv.QUOTE_MINIMAL if has_quotes else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        skipinitialspace=dialect.strip,
        strict=True,
    )


def _without_nulls(lines: Iterator[str], separator: str) -> Iterator[str]:
    r"""Lines with nothing for `\N`, which would lose its backslash to the escape."""
    separated = re.escape(separator)
    null = re.compile(rf"(?:(?<={separated})|^)\\N(?={separated}|\r?\n?$)")
    return (null.sub("", line) for line in lines)


@contextlib.contextmanager
def opened(location: str, dialect: SeparatedText, *, is_numbered: bool = False) -> Iterator[Cells]:
    """The cells of a file, or of a URL.

    Raises UnreadableError, here and while it is read, with the line, the column and a hint.
    """
    try:
        with _text.opened(location, dialect.encoding) as lines:
            yield Cells(lines, dialect, is_numbered=is_numbered)
    except UnicodeError as error:
        raise _undecoded(location, dialect.encoding, error) from None
    except csv.Error as error:
        raise _malformed(location, dialect, error) from None


def _undecoded(location: str, encoding: str, error: UnicodeError) -> UnreadableError:
    if "://" in location:
        return UnreadableError(f"it is not {encoding}: {error}", "copy it into the project")
    start = _text.beginning(location, 3)
    found = next(
        (name for mark, name in _text.MARKS_OF_ENCODINGS.items() if start.startswith(mark)), "cp1252"
    )
    line, byte = _text.undecodable(location, encoding) if "16" not in encoding else (1, start[0])
    message = f"line {line} is not {encoding.upper()} (byte 0x{byte:02x})"
    other = "utf-8" if found == encoding else found
    return UnreadableError(message, f"declare its encoding: `encoding: {other}`")


def _malformed(location: str, dialect: SeparatedText, error: csv.Error) -> UnreadableError:
    line, column = fault(location, dialect)
    place = f"line {line}" + (f", column `{column}`" if column else "")
    if "unexpected end" in str(error):
        return UnreadableError(
            f"{place}: a quote ({dialect.quote}) opens here and is never closed",
            f"close it, or read quotes as plain characters: {dialect.written(quote='none')}",
        )
    message = (
        f"{place}: the closing quote of a value is not followed by the separator ({dialect.separator!r})"
    )
    hints = [
        f"double the quotes within a value, or read them as plain characters: {dialect.written(quote='none')}"
    ]
    if not dialect.escape:
        hints.append(f"or as escaped by a backslash: {dialect.written(escape=chr(92))}")
    return UnreadableError(message, ", ".join(hints))


def fault(location: str, dialect: SeparatedText) -> tuple[int, str]:
    """The line where the row begins that cannot be read, and the column in which, where that can be told."""
    with _text.opened(location, dialect.encoding) as lines:
        cells = None
        with contextlib.suppress(csv.Error):
            cells = Cells(lines, dialect, is_numbered=True)
            for _ in cells:
                pass
    if cells is None:
        return dialect.skip + 1, ""
    with _text.opened(location, dialect.encoding) as lines:
        text = next(itertools.islice(lines, cells.line - 1, None), "")
    separator, quote = re.escape(dialect.separator), re.escape(dialect.quote)
    value = rf"(?:{quote}(?:[^{quote}]|{quote}{quote})*{quote}|(?!{quote})[^{separator}]*){separator}"
    sound = re.match(f"(?:{value})*", text)
    place = len(re.findall(value, sound[0])) if sound else 0
    return cells.line, cells.names[place] if place < len(cells.names) else ""


def is_even(location: str, dialect: SeparatedText) -> bool:
    """Whether every row has as many values as the header has names; raises UnreadableError."""
    with opened(location, dialect) as cells:
        width = len(cells.names)
        return all(len(row) == width for chunk in cells.chunks() for row in chunk)


def lines(location: str, dialect: SeparatedText) -> Sequence[int]:
    """The line at which each row begins."""
    with opened(location, dialect, is_numbered=True) as cells:
        return array("q", (line for line, _ in cells.numbered()))


def columns(
    cells: Cells,
    chosen: Mapping[str, int],
    location: str,
    dialect: SeparatedText,
    seen: Callable[[int], None] | None = None,
    numbers: Collection[str] = (),
) -> polars.DataFrame | None:
    """The chosen columns, by their places, as text; rows that end early end with empty cells.

    Those of `numbers` are numbers: where that would lose something of a cell, None.
    Raises UnreadableError for a row with more values than the header has names.
    """
    import polars

    parsed = [name for name in chosen if name in numbers]
    schema = {name: polars.Float64 if name in parsed else polars.String for name in chosen}
    parts = []
    count = 0
    for columns_of_part in _parts(cells, location, dialect, {str(chosen[name]) for name in parsed}):
        part = {name: columns_of_part[place] for name, place in chosen.items()}
        frame = _blocks.as_numbers(polars.DataFrame(part), parsed)
        if frame is None:
            return None
        parts.append(frame)
        count += len(columns_of_part[0])
        if seen is not None:
            seen(count)
    return polars.concat(parts) if parts else polars.DataFrame(schema=schema)


def _parts(
    cells: Cells, location: str, dialect: SeparatedText, numbers: Collection[str]
) -> Iterator[Sequence[polars.Series]]:
    import polars

    for frame in cells.frames(numbers):
        yield frame.get_columns()
    for chunk in cells.chunks():
        found = _columns_of(chunk, len(cells.names), location, dialect)
        yield [polars.Series(column, dtype=polars.String) for column in found]


def _columns_of(
    chunk: list[list[str]], width: int, location: str, dialect: SeparatedText
) -> list[tuple[str, ...]]:
    widths = set(map(len, chunk))
    if widths == {width}:
        return list(zip(*chunk, strict=True))
    if max(widths) > width and any(map(any, (row[width:] for row in chunk))):
        raise _too_long(location, dialect, width)
    rows = ((*row[:width], *[""] * (width - len(row))) for row in chunk)
    return list(zip(*rows, strict=True))


def _too_long(location: str, dialect: SeparatedText, width: int) -> UnreadableError:
    with opened(location, dialect, is_numbered=True) as cells:
        line, row = next((line, row) for line, row in cells.numbered() if any(row[width:]))
        names = cells.names
    message = f"line {line} has {len(row)} values, but the header has {width}"
    message += f" (`{names[-1]}` is followed by {row[width]!r})"
    hint = "put quotes around a value that contains the separator"
    other = next((sign for sign in ",;\t|" if sign in names[0]), None) if width == 1 else None
    if other is not None:
        hint = f"the header has one column, `{names[0]}`: did you mean {dialect.written(separator=other)}?"
    return UnreadableError(message, hint)
