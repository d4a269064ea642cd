"""A file's bytes as text that a YAML parser accepts, and what stood in the way."""

from __future__ import annotations

import codecs
import re
import stat
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING

from aimass_compiler.conventions import LARGEST_SPEC_BYTES
from aimass_compiler.diagnostics import Explanation, Finding
from aimass_compiler.spec.yaml.document import Document

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable

EXPLANATIONS = (
    Explanation(
        "AM001",
        "the file cannot be read",
        "The file is missing, is a folder or a device, or the system refuses to open it. "
        "The message repeats the system's own reason.",
    ),
    Explanation(
        "AM002",
        "the file is too large",
        "A model is described in a few hundred lines. A file of more than 5 MB is most likely data "
        "under the wrong name, and is refused before it is parsed.",
    ),
    Explanation(
        "AM003",
        "the file is not UTF-8",
        "Files are read as UTF-8 on every machine, so that the same file means the same everywhere. "
        "Save it again with that encoding: `iconv -f latin1 -t utf-8 old.yaml > new.yaml`.",
    ),
    Explanation(
        "AM004",
        "the file holds an invisible control character",
        "YAML allows no control characters, and line separators such as U+2028 break lines in some "
        "tools and not in others. They mostly come in by copy and paste. Delete the character, or "
        'write it as an escape in double quotes: `"\\u2028"`.',
    ),
)

_MOST_LINES_LISTED = 10
#: A file can consist of millions of such characters.
_MOST_LOOKED_AT = 1_000
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
#: What is none of YAML's printable characters, and the line breaks that only YAML 1.1 knows. (To list what
#: is printable instead takes Python ten times as long to make an expression of.)
#: Source: https://yaml.org/spec/1.2.2/#51-character-set
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def bytes_of(path: pathlib.Path, file: str) -> tuple[bytes, list[Finding]]:
    """The file's content, and why there is none if there is none."""
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            return b"", [
                _unreadable(file, "is a folder" if stat.S_ISDIR(kind) else "is not an ordinary file")
            ]
        with path.open("rb") as stream:
            return stream.read(LARGEST_SPEC_BYTES + 1), []
    except FileNotFoundError:
        return b"", [_unreadable(file, "does not exist")]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return b"", [_unreadable(file, f"cannot be read: {reason}")]


def _unreadable(file: str, reason: str) -> Finding:
    return Finding("AM001", (), f"`{file}` {reason}", file=file)


def text_of(content: bytes | str, file: str) -> tuple[str | None, list[Finding]]:
    """The text with every character that YAML forbids replaced one for one; None when refused as a whole."""
    if len(content) > LARGEST_SPEC_BYTES:
        message = f"`{file}` is larger than {LARGEST_SPEC_BYTES // 1_000_000} MB"
        hint = "a spec names its data by path; is this a data file?"
        return None, [Finding("AM002", (), message, help=hint, file=file)]
    findings: list[Finding] = []
    if isinstance(content, bytes):
        content, findings = _decoded(content, file)
    text = content.removeprefix(_BYTE_ORDER_MARK)
    return FORBIDDEN.sub(_REPLACEMENT, text), findings + _forbidden(text, file)


def _decoded(content: bytes, file: str) -> tuple[str, list[Finding]]:
    for mark, encoding in _OTHER_ENCODINGS.items():
        if content.startswith(mark):
            message = f"`{file}` is saved as {encoding}, not UTF-8"
            return "", [Finding("AM003", (), message, help="save it as UTF-8", file=file)]
    try:
        return content.decode("utf-8"), []
    except UnicodeDecodeError as error:
        text = content.decode("utf-8", errors="replace")
        before = content[: error.start].decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
        shown = Document(file, text.removeprefix(_BYTE_ORDER_MARK))
        place = shown.place_between(len(before), len(before) + 1)
        byte = f"0x{content[error.start]:02x}"
        message = f"byte {byte} at offset {error.start} (line {place.line}) is not UTF-8"
        return text, [Finding("AM003", (), message, help="save the file as UTF-8", file=file, place=place)]


def _forbidden(text: str, file: str) -> list[Finding]:
    document = Document(file, text)
    found = islice(FORBIDDEN.finditer(text), _MOST_LOOKED_AT)
    places = [document.place_between(*match.span()) for match in found]
    if not places:
        return []
    first, *rest = places
    character = text[next(FORBIDDEN.finditer(text)).start()]
    message = f"there is an invisible character here, {_name_of(character)}"
    hint = f"delete it{also_on_lines([place.line for place in rest])}"
    return [Finding("AM004", (), message, help=hint, file=file, place=first)]


def also_on_lines(lines: Iterable[int]) -> str:
    """The end of a help sentence that names the first few other lines with the same problem."""
    distinct = sorted(set(lines))
    if not distinct:
        return ""
    listed = ", ".join(map(str, distinct[:_MOST_LINES_LISTED]))
    more = ", …" if len(distinct) > _MOST_LINES_LISTED else ""
    noun = "line" if len(distinct) == 1 else "lines"
    return f"; the same on {noun} {listed}{more}"


def _name_of(character: str) -> str:
    known = {
        "\0": "NUL",
        "\x1b": "ESCAPE",
        "\x7f": "DELETE",
        "\x85": "NEXT LINE",
        _BYTE_ORDER_MARK: "BYTE ORDER MARK",
    }
    name = known.get(character) or unicodedata.name(character, "a control character")
    return f"{name} (U+{ord(character):04X})"
