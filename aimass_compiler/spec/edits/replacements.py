"""Edits of a document as replacements in its text, so that everything else stays as it was laid out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from aimass_compiler.diagnostics import Assign, Edit, Fix, Remove, Rename, Rewrite
from aimass_compiler.spec.edits.entries import Entry, added, entry_at, removed
from aimass_compiler.spec.yaml.document import MappingNode, ScalarNode, SequenceNode
from aimass_compiler.spec.yaml.flow_style import written

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Path
    from aimass_compiler.spec.yaml.document import Document, Node
    from aimass_compiler.spec.yaml.scalars import Scalar


_MARKS = re.compile(r"(&\S+\s+)+")


@dataclass(frozen=True, order=True)
class Replacement:
    """Other text for a stretch of the text, given by indices of its characters."""

    start: int
    end: int
    text: str


def replacements(document: Document, fix: Fix) -> tuple[Replacement, ...] | None:
    """What a fix does to the text, in the order of the text.

    None where it cannot be said: the place was not written here, or the edits are in each other's way.
    """
    found = [_replacement(document, edit) for edit in fix.edits]
    known = sorted(each for each in found if each is not None)
    if len(known) < len(found) or overlap(known):
        return None
    return tuple(known)


def overlap(ordered: Sequence[Replacement]) -> bool:
    """Whether any two neighbours, in the order of the text, touch the same characters."""
    return any(
        later.start < earlier.end or later.start == earlier.start for earlier, later in pairwise(ordered)
    )


def applied(text: str, changes: Iterable[Replacement]) -> str:
    """The text with replacements that do not overlap."""
    for change in sorted(changes, reverse=True):
        text = text[: change.start] + change.text + text[change.end :]
    return text


def _replacement(document: Document, edit: Edit) -> Replacement | None:
    if isinstance(edit, Rewrite):
        return Replacement(*document.span_of(edit.place), edit.text)
    if isinstance(edit, Assign):
        return _assigned(document, edit)
    entry = entry_at(document.root, edit.path)
    if entry is None:
        return None
    if isinstance(edit, Remove):
        found = removed(document.text, entry)
        return Replacement(*found) if found else None
    if isinstance(edit, Rename):
        return Replacement(entry.key.start, entry.key.end, written(edit.key)) if entry.key else None
    return _quoted(document, entry.value)


def _quoted(document: Document, node: Node) -> Replacement | None:
    text = document.text[node.start : node.end]
    if not isinstance(node, ScalarNode) or not text or text[0] in "'\"|>&!" or '"' in text or "\\" in text:
        return None
    return Replacement(node.start, node.end, f'"{text}"')


def _assigned(document: Document, edit: Assign) -> Replacement | None:
    """A new value where one stands, or an entry that is added to the nearest mapping above."""
    if entry := entry_at(document.root, edit.path):
        return _replaced(document, entry, edit.value)
    for length in range(len(edit.path) - 1, -1, -1):
        above = entry_at(document.root, edit.path[:length])
        if above is not None:
            return _completed(document, above, edit.path[:length], edit.path[length:], edit.value)
    return None


def _replaced(document: Document, entry: Entry, value: Any) -> Replacement:
    """The value in the quotes that stood there, and beside its key where a block stood below it."""
    node = entry.value
    old = document.text[node.start : node.end]
    marked = _MARKS.match(old)
    start = node.start + (marked.end() if marked else 0)  # an anchor stays, because aliases lead to it
    new = written(value, quotes=document.text[start : start + 1])
    if entry.key is not None and marked is None and "\n" in document.text[entry.key.end : start]:
        colon = (
            document.text.index(":", entry.key.end) + 1
        )  # a block begins below its key, and a value beside it
        return Replacement(colon, node.end, f" {new}{document.text[colon:start].rstrip()}")
    space = " " if node.start == node.end and document.text[node.start - 1 : node.start] == ":" else ""
    return Replacement(start, node.end, space + new)


def _completed(document: Document, above: Entry, path: Path, missing: Path, value: Any) -> Replacement | None:
    """What the deepest value that was written becomes when the rest of the path is added."""
    node = above.value
    if isinstance(node, MappingNode):
        if not isinstance(missing[0], str) or missing[0] in node.entries:
            return None
        return Replacement(*added(document, above, missing[0], _nested(missing[1:], value)))
    if isinstance(node, SequenceNode) or (isinstance(node, ScalarNode) and node.value is None):
        return None
    was = node.value if isinstance(node, ScalarNode) else None
    long = _long_form(path, was, missing, value)
    return _replaced(document, above, long) if long is not None else None


def _nested(path: Path, value: Any) -> Any:
    """The value below mappings and lists for each step."""
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [value]
    return value


def _long_form(path: Path, was: Scalar, missing: Path, value: Any) -> Any:
    """The value at `path`, of which `was` is the short form, with `value` at the steps that are missing.

    None where nobody can say what the short form stands for.
    """
    from aimass_compiler.catalog import family_of

    first, *rest = missing
    if isinstance(first, int):
        return value if first == 0 and not rest else None
    if first == was and family_of(first):
        return {first: _nested(tuple(rest), value)}
    short = _short_key(path)
    if short is None:
        return None
    if first == short:
        return value if rest in ([], [0]) else None
    return {short: was, first: _nested(tuple(rest), value)}


def _short_key(path: Path) -> str | None:
    """The key that a bare value at this path stands for."""
    from aimass_compiler.catalog import FAMILIES, load, names
    from aimass_compiler.pipeline.columns import NumberColumn

    if path[:2] == ("data", "columns") and len(path) == len(("data", "columns", "name")):
        return NumberColumn.short_form
    name = path[-1] if path else None
    families = [family for family in FAMILIES if name in names(family)]
    return load(families[0], str(name)).short_form if families else None
