"""Rows of separated values, by the rules that the pipeline's own reader has.

polars reads UTF-8 with lines that end in `\\n` or `\\r\\n`, skips empty lines before the header only,
fills short rows with missing values and refuses long ones.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections import Counter
from typing import TYPE_CHECKING, TextIO

from aimass_compiler.render.emit import inline
from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SEPARATORS = (",", ";", "\t", "|")
_SAMPLED_ROWS = 20
_SAMPLED_CHARACTERS = 1 << 16


def separator_of(path: Path) -> str:
    """What splits the first rows into the most values, as many in each as in the header; else a comma."""
    return max(_SEPARATORS, key=lambda separator: _width(path, separator))


def _width(path: Path, separator: str) -> int:
    try:
        with _open(path) as stream:
            widths = [len(row) for row in _sampled(stream, separator) if row]
    except (csv.Error, UnicodeError):
        return 0
    return widths[0] if widths and set(widths) == {widths[0]} else 0


def rows_of_csv(path: Path, separator: str) -> Iterator[Mapping[str, str]]:
    """Each row by the names of its header; raises UnusableDataError."""
    line = 0
    try:
        with _open(path) as stream:
            _check_line_ends(stream)
            reader = csv.reader(stream, delimiter=separator, strict=True)
            header = next((row for row in reader if row), [])
            _check_header(header)
            for row in reader:
                line = reader.line_num
                if len(row) > len(header):
                    _refuse_long(line, row, header)
                yield dict(zip(header, row, strict=False))
    except UnicodeDecodeError as error:
        told = f"line {_undecodable(path)} is not UTF-8 (byte 0x{error.object[error.start]:02x})"
        hint = f"save it as UTF-8, such as by `iconv -f {_encoding(path)} -t utf-8 old.csv > new.csv`"
        raise UnusableDataError("AM060", told, hint) from None
    except csv.Error as error:
        hint = "values with quotes, separators or line ends stand in quotes, and quotes in them are doubled"
        raise UnusableDataError("AM060", f"line {line + 1} or later is malformed: {error}", hint) from None
    except OSError as error:
        raise UnusableDataError("AM060", f"reading stopped after line {line}: {error.strerror}") from None


def _open(path: Path) -> TextIO:
    """Lines end as polars sees it; a byte order mark is no part of the first name."""
    return path.open(encoding="utf-8-sig", newline="\n")


def _sampled(stream: TextIO, separator: str) -> list[list[str]]:
    """The rows of the first characters, without one that was cut off."""
    text = stream.read(_SAMPLED_CHARACTERS)
    rows = list(
        itertools.islice(csv.reader(io.StringIO(text, newline="\n"), delimiter=separator), _SAMPLED_ROWS)
    )
    is_cut = len(text) == _SAMPLED_CHARACTERS and 1 < len(rows) < _SAMPLED_ROWS
    return rows[:-1] if is_cut else rows


def _check_line_ends(stream: TextIO) -> None:
    text = stream.read(_SAMPLED_CHARACTERS)
    if "\r" in text and "\n" not in text:
        hint = "save it with the line ends of Unix or Windows"
        raise UnusableDataError("AM060", "the lines end as on the first Macintosh (a lone CR)", hint)
    stream.seek(0)


def _check_header(header: list[str]) -> None:
    if not header:
        raise UnusableDataError("AM063", "the file is empty", "it needs a header line and rows")
    if all(map(_is_number, header)) or any(_is_number(name) and "." in name for name in header):
        shown = ", ".join(header[:3])
        hint = "put a line with the columns' names at the top"
        raise UnusableDataError(
            "AM062", f"the first line ({shown}) holds values, not the columns' names", hint
        )
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        name = repeated[0]
        times = f"stands {header.count(name)} times in the header"
        told = f"the column {inline(name)} {times}" if name else "several columns have no name"
        raise UnusableDataError("AM062", told, "give each column a name of its own")
    quoted = next((name for name in header if '"' in name), None)
    if quoted is not None:
        told = f"the column {inline(quoted)} has a quote in its name, which polars does not read back"
        raise UnusableDataError("AM062", told, "rename it")


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _encoding(path: Path) -> str:
    """What a file that is not UTF-8 is most likely written in."""
    with path.open("rb") as stream:
        return "utf-16" if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "latin1"


def _undecodable(path: Path) -> int:
    """The first line that is not UTF-8; the text is decoded ahead of the lines that were read."""
    with path.open("rb") as stream:
        return next(number for number, line in enumerate(stream, 1) if not _is_utf_8(line))


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _refuse_long(line: int, row: list[str], header: list[str]) -> None:
    told = f"line {line} has {len(row)} values, but the header has {len(header)}"
    raise UnusableDataError("AM060", told, "a value that holds the separator stands in quotes")
