"""Which paths may be written below the output folder, so that each is one file of ours."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Explanation, Finding
from aimass_compiler.model_path import DEEPEST, owner_of, team_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

EXPLANATIONS = (
    Explanation(
        "AM030",
        "a path cannot be written",
        "Files are written only below the output folder: no `..`, no absolute path, no `.git`, no control "
        "characters, and not the names that the compiler keeps for itself.",
    ),
    Explanation(
        "AM031",
        "two paths are one file on some systems",
        "macOS and Windows do not distinguish `Train` from `train`, so one file would overwrite the other; "
        "and no system has a file and a folder of the same name.",
    ),
)

#: Where files are while they are being written, below the output folder; no file may be called so.
STAGING = ".partial"
_LONGEST_SEGMENT_BYTES = 200
#: macOS takes no longer path, and what leads to the output folder needs room, too.
_LONGEST_PATH_BYTES = 800
#: Models share most of their names, so that these caches answer for all of them.
_MANY = 4096
_FEW = 64
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')


def folders_produced(paths: Iterable[str]) -> frozenset[str]:
    """The folders of models that lie in those of teams, by the paths of what is produced.

    The pipeline of each model is at the top of its folder; a model of no team may have another one below.
    """
    found = _folders_with(conventions.PIPELINE_FILE, paths)
    return frozenset(folder for folder in found if "/" in folder and team_of(folder) not in found)


def folders_listed(paths: Iterable[str]) -> frozenset[str]:
    """The same by paths among which are inventories."""
    return frozenset(folder for folder in _folders_with(conventions.INVENTORY_FILE, paths) if "/" in folder)


def _folders_with(file: str, paths: Iterable[str]) -> set[str]:
    folders = (path[: -len(file) - 1] for path in paths if path.endswith(f"/{file}"))
    return {folder for folder in folders if folder.count("/") <= DEEPEST}


def below(folder: str, path: str) -> str:
    """A path inside of a model's folder as one below the output folder."""
    return f"{folder}/{path}" if folder else path


def inventory_path(folder: str) -> str:
    """Where the inventory of a model's folder is."""
    return below(folder, conventions.INVENTORY_FILE)


def refusals(paths: Iterable[str], shown_as: str) -> list[Finding]:
    """Why these paths cannot be written together; nothing when they can."""
    listed = sorted(paths)
    models = folders_produced(listed)
    findings = [
        Finding("AM030", (), f"`{path}` cannot be written: {reason}", file=f"{shown_as}/{path}")
        for path in listed
        if (reason := refusal(path, owner_of(path, models)))
    ]
    return findings or list(_collisions(listed, models, shown_as))


def refusal(path: str, folder: str) -> str:
    """Why this path, in the folder of a model, cannot be written; "" when it can."""
    if path.startswith("/"):
        return "it is absolute"
    return (_refusal(folder) or _refusal(path[len(folder) + 1 :])) if folder else _refusal(path)


@lru_cache(_MANY)
def _refusal(inside: str) -> str:
    """Why a model's folder cannot be called so, or a file in it; "" when it can."""
    if inside.lower() == conventions.INVENTORY_FILE:
        return "the inventory has this name"
    reason = next((reason for segment in inside.split("/") for reason in _segment_refusals(segment)), "")
    if not reason and len(inside.encode()) > _LONGEST_PATH_BYTES:
        return f"it is longer than {_LONGEST_PATH_BYTES} bytes"
    return reason


def _segment_refusals(segment: str) -> Iterator[str]:
    if segment in ("", ".", ".."):
        yield f"`{segment}` is no name"
    if forbidden := _FORBIDDEN.search(segment):
        yield f"some systems allow no {forbidden[0]!r} in a name"
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


def _collisions(paths: Iterable[str], models: Collection[str], shown_as: str) -> Iterator[Finding]:
    """Paths that some system takes for one.

    Whether files of two models are one depends on the names of their folders alone, and most models
    have the same paths inside.
    """
    inside: dict[str, list[str]] = {}
    for path in paths:
        folder = owner_of(path, models)
        inside.setdefault(folder, []).append(path[len(folder) + 1 :] if folder else path)
    tops = (*(f"{folder}/." for folder in inside if folder), *inside.pop("", ()))
    for folder, listed in (("", sorted(tops)), *inside.items()):
        for one, other, is_folder in _pairs(tuple(listed)):
            first, second = (below(folder, path).removesuffix("/.") for path in (one, other))
            reason = (
                f"`{first}` would be a file and, for `{second}`, a folder"
                if is_folder
                else f"`{first}` and `{second}` are one file on some systems"
            )
            yield Finding("AM031", (), reason, help="rename one", file=f"{shown_as}/{second}")


@lru_cache(_FEW)
def _pairs(paths: tuple[str, ...]) -> tuple[tuple[str, str, bool], ...]:
    """Pairs of sorted paths that are one file somewhere, or a file for one and for the other a folder."""
    files: dict[str, str] = {}
    pairs: list[tuple[str, str, bool]] = []
    for path in paths:
        other = files.setdefault(path.casefold(), path)
        if other != path:
            pairs.append((other, path, False))
    for path in paths:
        segments = path.casefold().split("/")
        above = ("/".join(segments[:count]) for count in range(1, len(segments)))
        pairs += [(files[folder], path, True) for folder in above if folder in files]
    return tuple(pairs)
