"""Values given as `dotted.path=value`, and written into a spec's text, where all else stays as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from aimass_compiler.diagnostics import Assign, Fix, HintedError, Remove, has_errors
from aimass_compiler.spec.edits.entries import entry_at
from aimass_compiler.spec.edits.replacements import applied, replacements
from aimass_compiler.spec.yaml.document import MappingNode, ScalarNode, SequenceNode
from aimass_compiler.spec.yaml.reader import parse

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Path
    from aimass_compiler.spec.yaml.document import Document, Node

#: One step of a path: a key or the place of an item, a key with dots in it in double quotes.
_STEP = r'"[^"]+"|[^."=\s]+'
_WRITTEN = re.compile(rf"\s*(?P<path>(?:{_STEP})(?:\.(?:{_STEP}))*)\s*=(?P<value>.*)", re.DOTALL)
_FORM = "a value is set as `model.xgboost.subsample=0.6`, an item of a list by its place: `features.0`"


class NotSettable(HintedError):  # noqa: N818  # it reads as what is the case
    """A value that cannot be put where it is to be; the message says why."""


def assignment(written: str) -> Assign:
    """What `model.xgboost.subsample=0.6` sets, its value read as in a spec. Raises NotSettable."""
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise NotSettable(f"`{written}` sets no value", _FORM)
    path = tuple(step.strip('"') for step in re.findall(_STEP, found["path"]))
    document, findings = parse(f"value: {found['value'].strip()}\n", written)
    if has_errors(findings) or not isinstance(document.data, dict) or [*document.data] != ["value"]:
        reason = next((finding.message for finding in findings if finding.is_error), "it is more than one")
        raise NotSettable(f"the value of `{written}` cannot be read: {reason}", _FORM)
    return Assign(path, document.data["value"])


def with_values(document: Document, edits: Iterable[Assign | Remove]) -> str:
    """The text with these values, one after the other. Raises NotSettable where one has no place in it."""
    for edit in edits:
        placed = _placed(document, edit)
        changes = replacements(document, Fix("", (placed,)))
        if changes is None:
            raise NotSettable(f"`{_shown(edit.path)}` cannot be set in {document.file}", _FORM)
        document, findings = parse(applied(document.text, changes), document.file)
        if has_errors(findings):
            message = next(finding.message for finding in findings if finding.is_error)
            raise NotSettable(f"`{_shown(edit.path)}` cannot be set in {document.file}: {message}", _FORM)
    return document.text


def _placed(document: Document, edit: Assign | Remove) -> Assign | Remove:
    """The edit with places of items as numbers, and above a value that is missing what leads to it."""
    path = _numbered(document, edit.path)
    if isinstance(edit, Remove):
        return Remove(path)
    for length in range(len(path) - 1, 0, -1):
        above = entry_at(document.root, path[:length])
        if above is None:
            continue
        if isinstance(above.value, ScalarNode) and above.value.value is None:
            return Assign(path[:length], _nested(path[length:], edit.value))
        break
    return Assign(path, edit.value)


def _numbered(document: Document, path: Sequence[str | int]) -> Path:
    """The path with the places of items as numbers. Raises NotSettable where a list has no such item."""
    node: Node | None = document.root
    steps: list[str | int] = []
    for step in path:
        if isinstance(node, SequenceNode):
            count = len(node.items)
            if not str(step).isdecimal() or int(step) >= count:
                items = f"has the items 0 to {count - 1}" if count else "is empty"
                raise NotSettable(f"there is no `{_shown((*steps, step))}`: the list {items}", _FORM)
            steps.append(int(step))
            node = node.items[int(step)]
            continue
        steps.append(step)
        entries = node.entries if isinstance(node, MappingNode) else {}
        node = entries[str(step)][1] if step in entries else None
    return tuple(steps)


def _nested(path: Sequence[str | int], value: Any) -> Any:
    for step in reversed(path):
        value = {str(step): value}
    return value


def _shown(path: Sequence[str | int]) -> str:
    return ".".join(f'"{step}"' if "." in str(step) else str(step) for step in path)
