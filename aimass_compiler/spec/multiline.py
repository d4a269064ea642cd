"""Scalars of several lines, moved with what they belong to."""

from __future__ import annotations

import re

#: How much deeper each level stands.
INDENT = 2

_EMPTY_LINES = re.compile(r"([\r\n][ \t]*)+\Z")
_LINE_END = re.compile(r"\r\n|\r|\n")


def rewritten_lines(written: str, style: str | None, shift: int, old: int, new: int) -> tuple[str, int]:
    """The scalar in its new place, and how many characters of the old text it was.

    `old` and `new` are the columns of the collection that it is in; its own line moves by `shift`.
    """
    if style in ("|", ">"):
        return _block(written, old, new)
    first, *lines = _LINE_END.split(written)
    moved = [_continued(line, shift, new) for line in lines]
    return "\n".join([first, *moved]), len(written)


def _continued(line: str, shift: int, new: int) -> str:
    """A further line of plain or quoted text, in which the spaces around it mean nothing."""
    text = line.strip(" \t")
    if not text:
        return ""
    return " " * max(new + INDENT, len(line) - len(line.lstrip(" \t")) + shift) + text


def _block(written: str, old: int, new: int) -> tuple[str, int]:
    """A block of text: every line moves by as much, because each space in front counts."""
    length = len(_EMPTY_LINES.sub("", written))
    header, *lines = _LINE_END.split(written[:length])
    first = next((line for line in lines if line.strip(" ")), "")
    content = len(first) - len(first.lstrip(" "))
    has_indicator = re.search(r"[1-9]", header.split("#")[0]) is not None
    move = new - old if has_indicator else new + INDENT - content
    moved = [_moved(line, content, move) for line in lines]
    return "\n".join([header.rstrip(), *moved]), length


def _moved(line: str, content: int, move: int) -> str:
    """A line moved; of a line of spaces, those behind the indentation are part of the text."""
    text = line.lstrip(" ")
    is_text = bool(text) or len(line) > content
    return " " * (len(line) - len(text) + move) + text if is_text else ""
