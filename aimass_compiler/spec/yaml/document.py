"""A document that was read: its data, its lines, and the place in the text of every value."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from aimass_compiler.diagnostics import Finding, Path, Place, Related

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.spec.yaml.scalars import Scalar

_LINE_END = re.compile(r"\r\n|\r|\n")


class ScalarNode(NamedTuple):
    """A string, number, flag or null; `start` and `end` index the text's characters."""

    start: int
    end: int
    value: Scalar
    is_written: bool = True
    """Whether the text there says the value; it does not where a reference brought it."""


class SequenceNode(NamedTuple):
    """A list of values."""

    start: int
    end: int
    items: tuple[Node, ...]


class MappingNode(NamedTuple):
    """Keys with where each is written, and their values."""

    start: int
    end: int
    entries: Mapping[str, tuple[ScalarNode, Node]]


Node = ScalarNode | SequenceNode | MappingNode


#: What comes before a value that has a tag, an anchor or quotes, or is repeated.
_DRESSED = ("!", "&", "*", '"', "'")


@dataclass(frozen=True)
class Document:
    """One file: what it holds, and where.

    `file` is the name that people are shown. `root` is None when nothing could be read, so
    that a key missing from `data` means nothing.
    """

    file: str
    text: str = ""
    root: MappingNode | None = None

    @cached_property
    def data(self) -> dict[str, Any]:
        """What the file holds as plain dicts, lists and scalars; empty when nothing could be read."""
        return _data_of(self.root) if self.root else {}

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The text's lines, without what ends them; at least one."""
        starts = [*self.starts_of_lines, len(self.text) + 1]
        spans = itertools.pairwise(starts)
        return tuple(self.text[start:end].rstrip("\r\n") for start, end in spans)

    @cached_property
    def starts_of_lines(self) -> tuple[int, ...]:
        """The index of the first character of each line."""
        return (0, *(ending.end() for ending in _LINE_END.finditer(self.text)))

    def place_of(self, path: Path, *, at_key: bool = False) -> Place:
        """Where the value at this path was written, or its key; the nearest value above if it was not.

        A path may name more than was written, because short forms leave out steps: `one_hot: plan`
        answers for ("one_hot", "columns", 0). What came in by an alias is where its anchor is.
        """
        key, node = _found(self.root, path)
        target = key if at_key and key else node
        return self.place_between(target.start, target.end) if target else Place(1, 1, 1, 1)

    def written(self, path: Path) -> str:
        """The unquoted value at exactly this path as it was written: `00123`, not 123; else nothing."""
        here: Node | None = self.root
        for step in path:
            if isinstance(here, MappingNode) and isinstance(step, str) and step in here.entries:
                here = here.entries[step][1]
            elif isinstance(here, SequenceNode) and isinstance(step, int) and 0 <= step < len(here.items):
                here = here.items[step]
            else:
                return ""
        if not isinstance(here, ScalarNode) or isinstance(here.value, str) or not here.is_written:
            return ""
        text = self.text[here.start : here.end]
        return "" if text[:1] in _DRESSED else text

    def is_repeated(self, path: Path) -> bool:
        """Whether the value at this path came in by an alias, so that it was written at another path."""
        here: Node | None = self.root
        for step in path:
            if isinstance(here, MappingNode) and isinstance(step, str) and step in here.entries:
                key, value = here.entries[step]
                if not here.start <= key.start <= key.end <= value.start:
                    return True
                here = value
            elif isinstance(here, SequenceNode) and isinstance(step, int) and 0 <= step < len(here.items):
                item = here.items[step]
                if item.start < here.start or any(item.start <= other.start for other in here.items[:step]):
                    return True
                here = item
        return False

    def place_between(self, start: int, end: int) -> Place:
        """The place of a stretch of the text, given by indices into its characters."""
        return Place(*self._position(start), *self._position(max(start, end)))

    def span_of(self, place: Place) -> tuple[int, int]:
        """The indices of a place's first character and of the one behind its last."""
        starts = self.starts_of_lines
        return starts[place.line - 1] + place.column - 1, starts[place.end_line - 1] + place.end_column - 1

    def place_of_finding(self, finding: Finding | Related) -> Place:
        """Where to point at for a finding about this document, or for a note that comes with one."""
        place = finding.place or self.place_of(finding.path, at_key=finding.at_key)
        return self._part_of(place, finding.part) if finding.part else place

    def _part_of(self, place: Place, word: str) -> Place:
        """Where a word stands in what was written at a place; all of that where it does not."""
        start, end = self.span_of(place)
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", self.text[start:end])
        return self.place_between(start + found.start(), start + found.end()) if found else place

    def _position(self, index: int) -> tuple[int, int]:
        line = bisect_right(self.starts_of_lines, min(index, len(self.text)))
        start = self.starts_of_lines[line - 1]
        return line, min(index - start, len(self.lines[line - 1])) + 1


def _found(root: Node | None, path: Path) -> tuple[ScalarNode | None, Node | None]:
    """The deepest key and value along a path.

    A step of a kind that a value does not have is one that a short form left out; a key that a
    mapping does not have was not written.
    """
    key, node = None, root
    for step in path:
        if isinstance(node, MappingNode) and isinstance(step, str):
            if step not in node.entries:
                break
            key, node = node.entries[step]
        elif isinstance(node, SequenceNode) and isinstance(step, int):
            if not 0 <= step < len(node.items):
                break
            key, node = None, node.items[step]
    return key, node


def _data_of(node: MappingNode) -> dict[str, Any]:
    return {name: value_of(value) for name, (_, value) in node.entries.items()}


def value_of(node: Node) -> Any:
    """What a node holds as plain data."""
    if isinstance(node, MappingNode):
        return _data_of(node)
    if isinstance(node, SequenceNode):
        return [value_of(item) for item in node.items]
    return node.value
