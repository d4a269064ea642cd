"""The entries of mappings and lists in the text: where each stands, how one is taken away or added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aimass_compiler.spec.yaml.document import MappingNode, SequenceNode
from aimass_compiler.spec.yaml.flow_style import written

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Path
    from aimass_compiler.spec.yaml.document import Document, Node, ScalarNode

#: How a collection in brackets begins, anchors and tags included.
_BRACKET = re.compile(r"([&!]\S*\s+)*[\[{]")
_LINE_END = re.compile(r"\r\n|\r|\n|\Z")
#: The keys of a spec that come first, in this order; others are added at the end.
_FIRST = ("apiVersion", "kind", "metadata", "data", "target")

#: Keys of a spec that belong to another one, and stand right behind it.
_BEHIND = {"positive": "target"}

Span = tuple[int, int]


@dataclass(frozen=True)
class Entry:
    """A value that was written here, with its key and the collection that it is in."""

    value: Node
    key: ScalarNode | None = None
    parent: Node | None = None

    @property
    def start(self) -> int:
        return self.key.start if self.key else self.value.start

    @property
    def end(self) -> int:
        return max(self.value.end, self.key.end if self.key else 0)


def entry_at(root: Node | None, path: Path) -> Entry | None:
    """The entry at exactly this path; None where it was not written, or came in by an alias.

    A name is no step into a list: it is a key that a short form left out.
    """
    if root is None:
        return None
    entry = Entry(root)
    for step in path:
        here = entry.value
        if isinstance(here, MappingNode) and step in here.entries:
            key, value = here.entries[str(step)]
            if not here.start <= key.start <= key.end <= value.start:
                return None
            entry = Entry(value, key, here)
        elif isinstance(here, SequenceNode) and isinstance(step, int) and 0 <= step < len(here.items):
            entry = Entry(here.items[step], None, here)
            if entry.start < here.start or any(entry.start <= item.start for item in here.items[:step]):
                return None
        elif not (isinstance(here, SequenceNode) and isinstance(step, str)):
            return None
    return entry


def is_in_brackets(text: str, node: Node) -> bool:
    """Whether a collection is written as `{…}` or `[…]`."""
    return _BRACKET.match(text, node.start) is not None


def removed(text: str, entry: Entry) -> tuple[int, int, str] | None:
    """What to take out, and what to put there, so that the entry is gone and nothing else."""
    parent = entry.parent
    if parent is None:
        return None
    spans = _spans(text, parent)
    place = next(index for index, span in enumerate(spans) if span[1] == entry.end)
    start, end = spans[place]
    if len(spans) == 1:
        empty = "{}" if isinstance(parent, MappingNode) else "[]"
        return parent.start, parent.end, empty
    is_flow = is_in_brackets(text, parent)
    if is_flow and place + 1 == len(spans):
        return spans[place - 1][1], end, ""
    line = line_start(text, start)
    if is_flow or text[line:start].strip():
        return start, spans[place + 1][0], ""
    return line, behind_line(text, end), ""


def _spans(text: str, parent: Node) -> list[Span]:
    """Where each entry of a collection starts and ends, dashes included, in the order of the text."""
    if isinstance(parent, MappingNode):
        entries = [Entry(value, key, parent) for key, value in parent.entries.values()]
        spans = [(entry.start, entry.end) for entry in entries]
    else:
        items = parent.items if isinstance(parent, SequenceNode) else ()
        is_flow = is_in_brackets(text, parent)
        spans = [(item.start if is_flow else _dash(text, item.start), item.end) for item in items]
    return sorted(span for span in spans if parent.start <= span[0] and span[1] <= parent.end)


def _dash(text: str, start: int) -> int:
    return text.rfind("-", 0, start)


def line_start(text: str, index: int) -> int:
    """Where the line of this character starts."""
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def behind_line(text: str, index: int) -> int:
    """Where the line of this character, and what ends it, is over."""
    found = _LINE_END.search(text, index)
    return found.end() if found else len(text)


def added(document: Document, above: Entry, key: str, value: Any) -> tuple[int, int, str]:
    """What to put where, so that a mapping has one more entry."""
    text, node = document.text, above.value
    pair = f"{written(key)}: {written(value)}"
    spans = _spans(text, node)
    if is_in_brackets(text, node) or not spans:
        if not spans:
            return node.start, node.end, f"{{{pair}}}"
        return spans[-1][1], spans[-1][1], f", {pair}"
    newline = "\r\n" if "\r\n" in text else "\n"
    column = document.place_between(spans[0][0], spans[0][0]).column - 1
    before = _before(node, key) if node is document.root else None
    if before is None:
        found = _LINE_END.search(text, _end_of_fellow(document, node, key) or spans[-1][1])
        end = found.start() if found else len(text)
        return end, end, f"{newline}{' ' * column}{pair}"
    return before, before, f"{pair}{newline}{' ' * column}"


def _end_of_fellow(document: Document, node: Node, key: str) -> int | None:
    """Where the key ends that this one belongs behind."""
    fellow = _BEHIND.get(key, "") if node is document.root else ""
    if not isinstance(node, MappingNode) or fellow not in node.entries:
        return None
    key_node, value = node.entries[fellow]
    return max(key_node.end, value.end)


def _before(node: Node, key: str) -> int | None:
    """Where the first key starts that comes after this one by custom."""
    if key not in _FIRST or not isinstance(node, MappingNode):
        return None
    earlier = _FIRST[: _FIRST.index(key)]
    return next((found.start for name, (found, _) in node.entries.items() if name not in earlier), None)
