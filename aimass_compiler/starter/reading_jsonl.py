"""Rows of JSON objects, one a line, by the rules that the pipeline's own reader has."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any, NoReturn

from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def rows_of_jsonl(path: Path) -> Iterator[Mapping[str, Any]]:
    """Each line's object; raises UnusableDataError."""
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if number == 1 and line.startswith(codecs.BOM_UTF8):
                    hint = "save it as UTF-8 without one"
                    raise UnusableDataError("AM060", "the file starts with a byte order mark", hint)
                if line.strip():
                    yield _row(line, number)
    except OSError as error:
        raise UnusableDataError("AM060", f"the file cannot be read: {error.strerror}") from None


def _row(line: bytes, number: int) -> Mapping[str, Any]:
    try:
        text = line.decode("utf-8")
        row = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text.lower():
            json.dumps(row, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        told = f"line {number} is not UTF-8 (byte 0x{line[error.start]:02x})"
        raise UnusableDataError("AM060", told, "save the file as UTF-8") from None
    except UnicodeEncodeError:
        told = f"line {number} holds half a character (`\\ud…`)"
        raise UnusableDataError("AM060", told, "write the character whole") from None
    except (ValueError, RecursionError) as error:
        hint = 'each line is one JSON object, such as `{"age": 40}`'
        raise UnusableDataError("AM060", f"line {number} is not JSON: {error}", hint) from None
    if not isinstance(row, dict):
        hint = 'each line is one JSON object, such as `{"age": 40}`'
        raise UnusableDataError("AM060", f"line {number} holds no object with columns", hint)
    return row


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number; a missing value is null")
