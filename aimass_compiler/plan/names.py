"""Which paths may be written below the output folder, so that they mean the same file on every system."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Finding
from aimass_compiler.explanations import Explanation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EXPLANATIONS = (
    Explanation(
        "AM030",
        "a path cannot be written",
        "Files are written only below the output folder, under names that Linux, macOS and Windows "
        "all accept: no `..`, no absolute path, no `aux` or `con`, no `.git`, and not the names that "
        "the compiler keeps for itself.",
    ),
    Explanation(
        "AM031",
        "two paths are one file on some systems",
        "macOS and Windows do not tell `Train` from `train`, so one file would overwrite the other; and no "
        "system has a file and a folder of the same name.",
    ),
)

_LONGEST_SEGMENT_BYTES = 200
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
#: Source: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def model_folder(path: str) -> str:
    """The folder whose inventory lists this path; "" is the output folder itself."""
    head, slash, _ = path.partition("/")
    return head if slash else ""


def below(folder: str, path: str) -> str:
    """A path inside of a model's folder as one below the output folder."""
    return f"{folder}/{path}" if folder else path


def inventory_path(folder: str) -> str:
    """Where the inventory of a model's folder is."""
    return below(folder, conventions.INVENTORY_FILE)


def is_inventory(path: str) -> bool:
    """Whether this path is that of an inventory, or the same file on some system."""
    return _same_name(path) == _same_name(inventory_path(model_folder(path)))


def partial_name(name: str) -> str:
    """What a file is called while it is being written; the same each time, so that a next run finds it."""
    return f".{name}.partial"


def refusals(paths: Iterable[str], shown_as: str) -> list[Finding]:
    """Why these paths cannot be written together; nothing when they can."""
    listed = sorted(paths)
    findings = [
        Finding("AM030", (), f"`{path}` cannot be written: {reason}", file=f"{shown_as}/{path}")
        for path in listed
        if (reason := refusal(path))
    ]
    return findings or list(_collisions(listed, shown_as))


def refusal(path: str) -> str:
    """Why this path cannot be written; "" when it can."""
    if path.startswith("/"):
        return "it is absolute"
    if is_inventory(path):
        return "the inventory has this name"
    return next((reason for segment in path.split("/") for reason in _segment_refusals(segment)), "")


def _segment_refusals(segment: str) -> Iterator[str]:
    if segment in ("", ".", ".."):
        yield f"`{segment}` is no name"
    if forbidden := _FORBIDDEN.search(segment):
        yield f"some systems allow no {forbidden[0]!r} in a name"
    if segment.endswith((".", " ")):
        yield f"some systems cut the end of `{segment}`"
    if _DEVICES.fullmatch(segment):
        yield f"`{segment}` is a device on Windows"
    if segment.lower() == ".git":
        yield "Git keeps its own files there"
    if segment.startswith(".") and segment.endswith(".partial"):
        yield "files have such names while they are written"
    if not _is_unicode(segment):
        yield "it is not valid Unicode"
    elif len(segment.encode()) > _LONGEST_SEGMENT_BYTES:
        yield f"a name is longer than {_LONGEST_SEGMENT_BYTES} bytes"


def _is_unicode(text: str) -> bool:
    return not any(unicodedata.category(character) == "Cs" for character in text)


def _same_name(path: str) -> str:
    """Equal for names that some file system does not tell apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _collisions(paths: Iterable[str], shown_as: str) -> Iterator[Finding]:
    files: dict[str, str] = {}
    for path in paths:
        other = files.setdefault(_same_name(path), path)
        if other != path:
            message = f"`{other}` and `{path}` are one file on some systems"
            yield Finding("AM031", (), message, help="rename one", file=f"{shown_as}/{path}")
    for path in paths:
        segments = _same_name(path).split("/")
        for count in range(1, len(segments)):
            if other_file := files.get("/".join(segments[:count])):
                message = f"`{other_file}` would be a file and, for `{path}`, a folder"
                yield Finding("AM031", (), message, help="rename one", file=f"{shown_as}/{path}")
