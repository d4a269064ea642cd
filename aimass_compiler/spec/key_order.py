"""The keys at the top of a document in an order, each with the comments and the empty line above it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from aimass_compiler.spec.document import MappingNode
from aimass_compiler.spec.entries import behind_line, is_in_brackets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.spec.document import Document

#: Lines above the first key that are about the file, and everything above them.
_OF_FILE = re.compile(r"\s*$|---|%|.*yaml-language-server")


def in_order(document: Document, order: Sequence[str]) -> str:
    """The text with the keys that are known in their order, and then the others in theirs."""
    text, root = document.text, document.root
    if not isinstance(root, MappingNode) or is_in_brackets(text, root):
        return text
    entries = sorted(
        (key.start, max(key.end, value.end), name) for name, (key, value) in root.entries.items()
    )
    names = [name for *_, name in entries]
    ranked = sorted(names, key=lambda name: order.index(name) if name in order else len(order))
    if names == ranked:
        return text
    starts = [_behind_head(text, entries[0][0]), *(_behind_entry(text, end) for _, end, _ in entries)]
    pieces = {name: text[start:end] for name, (start, end) in zip(names, pairwise(starts), strict=True)}
    if pieces[ranked[0]].startswith("\n"):
        pieces[names[0]] = "\n" + pieces[names[0]].lstrip("\n")
    body = "".join(_ended(pieces[name]) for name in ranked)
    return text[: starts[0]] + body.lstrip("\n") + text[starts[-1] :]


def _ended(piece: str) -> str:
    return piece if piece.endswith("\n") else f"{piece}\n"


def _behind_head(text: str, first: int) -> int:
    """Where the comment of the first key starts, behind what is said of the whole file."""
    place = start = 0
    while place < first:
        following = behind_line(text, place)
        if following <= first and _OF_FILE.match(text[place:following]):
            start = following
        place = following
    return start


def _behind_entry(text: str, end: int) -> int:
    """Behind the last line of an entry, and behind comments that are indented as part of it."""
    place = behind_line(text, end)
    while (line := text[place : behind_line(text, place)]).lstrip(" ").startswith("#") and line.startswith(
        " "
    ):
        place += len(line)
    return place
