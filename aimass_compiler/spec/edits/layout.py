"""A YAML text with canonical indentation and spaces: only what is between tokens and comments changes.

Lines are never joined or broken, so that what people laid out stays as they laid it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

#: How much deeper each level stands.
INDENT = 2
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENING = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
_MARKERS = (yaml.DirectiveToken, yaml.DocumentStartToken, yaml.DocumentEndToken)
_LINE_END = re.compile(r"\r\n|\r|\n")
_EMPTY_LINES = re.compile(r"([\r\n][ \t]*)+\Z")


@dataclass(frozen=True)
class _Level:
    """A block collection: the column in which its keys or dashes stand, and in which they are to stand."""

    old: int
    new: int
    is_mapping: bool
    #: A list whose dashes stand below the first letter of its key.
    is_indentless: bool = False


@dataclass
class _Writer:
    """What was written so far, and where in the old text that was."""

    text: str
    parts: list[str] = field(default_factory=list)
    column: int = 0
    end: int = 0
    levels: list[_Level] = field(default_factory=list)
    #: The levels that were open at the token before.
    earlier: list[_Level] = field(default_factory=list)
    depth: int = 0
    shift: int = 0
    previous: Any = None

    @property
    def inner(self) -> int:
        """Where what belongs to the innermost level is to stand."""
        return self.levels[-1].new + INDENT if self.levels else 0

    def level(self, token: Any) -> None:
        """Open or close levels for a token that may stand for nothing in the text."""
        column = token.start_mark.column
        if isinstance(token, (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken)):
            is_mapping = isinstance(token, yaml.BlockMappingStartToken)
            self.levels.append(_Level(column, self.inner, is_mapping))
        elif isinstance(token, yaml.BlockEndToken):
            self._close_indentless()
            self.levels.pop()
        elif self.depth == 0 and isinstance(token, yaml.KeyToken):
            self._close_indentless()
        elif isinstance(token, yaml.BlockEntryToken) and self.levels[-1].is_mapping:
            self.levels.append(_Level(column, self.inner, is_mapping=False, is_indentless=True))

    def _close_indentless(self) -> None:
        if self.levels and self.levels[-1].is_indentless:
            self.levels.pop()

    def take(self, token: Any) -> None:
        """Write what lies before a token, and the token."""
        start, stop = token.start_mark.index, token.end_mark.index
        gap = self.text[self.end : start]
        if isinstance(token, _CLOSING):
            self.depth -= 1
        is_last = isinstance(token, yaml.StreamEndToken)  # a comment may stand before it on the last line
        if _LINE_END.search(gap) or not self.parts or is_last:
            self._new_line(gap, token)
        else:
            self._put(_between(self.previous, token, gap))
        self._write(token, self.text[start:stop])
        if isinstance(token, _OPENING):
            self._open(token)
        self.earlier = list(self.levels)
        self.previous = token

    def _open(self, token: Any) -> None:
        """Further lines in brackets move with the bracket where they are aligned to what stands behind it."""
        rest = _LINE_END.split(self.text[self.end :], maxsplit=1)[0].strip()
        if self.depth == 0 and rest and not rest.startswith("#"):
            self.shift = self.column - 1 - token.start_mark.column
        self.depth += 1

    def _put(self, written: str) -> None:
        self.parts.append(written)
        _, is_new_line, last = written.rpartition("\n")
        self.column = len(last) if is_new_line else self.column + len(last)

    def _write(self, token: Any, written: str) -> None:
        if isinstance(token, yaml.ScalarToken):
            parent = self.levels[-1] if self.levels else _Level(-INDENT, -INDENT, is_mapping=True)
            written, length = _rewritten_lines(written, token.style, self.shift, parent.old, parent.new)
            self.end = token.start_mark.index + length
        else:
            self.end = token.end_mark.index
        self._put(written)

    def _new_line(self, gap: str, token: Any) -> None:
        """The end of a line with its comment, lines of comments or nothing, and the next indentation."""
        column = token.start_mark.column
        indent = self._indent(token, column)
        if self.depth == 0 and not isinstance(token, _CLOSING):
            self.shift = indent - column
        first, *lines = _LINE_END.split(gap) if self.parts else ["", *_LINE_END.split(gap)]
        keeps = _is_block(self.previous) and _keeps_blank_lines(self.text, self.previous)
        self._put(_trailing(first))
        for line in lines[:-1]:
            if line.strip():
                self._put(f"\n{' ' * self._comment_indent(line, column, indent)}{line.strip()}")
            elif keeps or (self.parts != [""] and self.parts[-1] != "\n"):
                self._put("\n")
        self._put(("\n" if any(self.parts) else "") + " " * indent)

    def _indent(self, token: Any, column: int) -> int:
        """Where the first token of a line is to stand."""
        if self.depth or isinstance(token, _CLOSING):
            return max(0, column + self.shift)
        if isinstance(token, (*_MARKERS, yaml.StreamEndToken)) or not self.levels:
            return 0
        level = self.levels[-1]
        return level.new if column == level.old else self.inner

    def _comment_indent(self, line: str, column: int, indent: int) -> int:
        """As what follows, as what came before, or where it was below the level that it is in."""
        place = len(line) - len(line.lstrip())
        if self.depth:
            return max(0, place + self.shift)
        if place == column:
            return indent
        above = [level for level in (*self.earlier, *self.levels) if level.old <= place]
        if not above:
            return indent if place > column else 0
        level = max(above, key=lambda level: level.old)
        found = level.new + place - level.old
        # Behind a block of text, a line that is indented as far as the text would be part of it.
        return min(found, self.earlier[-1].new) if _is_block(self.previous) else found


def laid_out(text: str) -> str:
    """The text in canonical layout, its lines ended by a line feed. Raises yaml.YAMLError."""
    writer = _Writer(text)
    for token in yaml.scan(text, Loader=_LOADER):
        writer.level(token)
        if _is_seen(token) or isinstance(token, yaml.StreamEndToken):
            writer.take(token)
    return "".join(writer.parts).strip("\n") + "\n"


def _is_seen(token: Any) -> bool:
    """Whether a token is written in the text; keys and the starts of blocks mostly are not."""
    is_start = isinstance(
        token, (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken, yaml.BlockEndToken)
    )
    return not is_start and token.end_mark.index > token.start_mark.index


def _trailing(rest: str) -> str:
    """What follows on the line of the token before: nothing, or a comment as far behind as it was."""
    comment = rest.lstrip(" \t")
    return " " * max(1, len(rest) - len(comment)) + comment.rstrip() if comment else ""


def _between(before: Any, after: Any, gap: str) -> str:
    """The space between two tokens of a line."""
    if isinstance(after, (yaml.FlowEntryToken, *_CLOSING)) or isinstance(before, _OPENING):
        return ""
    if isinstance(after, yaml.ValueToken):
        return " " if gap and not isinstance(before, (yaml.ScalarToken, *_CLOSING)) else ""
    return " " if not isinstance(after, yaml.StreamEndToken) else ""


def _keeps_blank_lines(text: str, scalar: Any) -> bool:
    """Whether a block of text says that the empty lines behind it belong to it."""
    header = text[scalar.start_mark.index : scalar.end_mark.index].split("\n", 1)[0]
    return "+" in header.split("#")[0]


def _is_block(token: Any) -> bool:
    """Whether a token is text behind `|` or `>`."""
    return isinstance(token, yaml.ScalarToken) and token.style in ("|", ">")


def comments(text: str) -> Iterator[str]:
    """Every comment of a text, in its order. Raises yaml.YAMLError."""
    end = 0
    for token in yaml.scan(text, Loader=_LOADER):
        if _is_seen(token) or isinstance(token, yaml.StreamEndToken):
            gap = text[end : token.start_mark.index]
            yield from (line[line.index("#") :].rstrip() for line in _LINE_END.split(gap) if "#" in line)
            end = token.end_mark.index


def _rewritten_lines(written: str, style: str | None, shift: int, old: int, new: int) -> tuple[str, int]:
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
