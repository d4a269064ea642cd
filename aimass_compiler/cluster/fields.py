"""Fields of objects, and who manages them, as `metadata.managedFields` tells.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aimass_compiler import conventions

Object = Mapping[str, Any]
_OURS = (conventions.MANAGER, conventions.HANDOVER_MANAGER)


@dataclass(frozen=True)
class Item:
    """An item of a list, by the keys that tell it from the others; a value of a set has none but itself."""

    keys: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        if len(self.keys) == 1:
            return str(self.keys[0][1])
        return ",".join(f"{key}={value}" for key, value in self.keys)


#: A field by its name, an item by its keys, or an item of a list that is one value by its place.
FieldPath = tuple[str | Item | int, ...]


def shown(path: FieldPath) -> str:
    """A path as people read it, such as `spec.template.spec.containers[server].image`."""
    text = ""
    for step in path:
        if not isinstance(step, str):
            text += f"[{step}]"
        elif "." in step or "/" in step:
            text += f"[{step}]"  # labels and annotations
        else:
            text += f".{step}" if text else step
    return text


@dataclass(frozen=True)
class Manager:
    """Who set fields, how and when."""

    name: str
    operation: str
    """`Apply` or `Update`."""
    time: str = ""
    """In RFC 3339; empty where the API server does not tell."""
    subresource: str = ""
    """What it was set through, such as `status` or `scale`; mostly nothing."""

    @property
    def is_us(self) -> bool:
        """Whether it was `aimass apply`, or whoever applies in our name."""
        return self.name in _OURS and self.operation == "Apply"


@dataclass(frozen=True)
class Managed:
    """The fields of one manager."""

    manager: Manager
    tree: Mapping[str, Any]

    @cached_property
    def paths(self) -> frozenset[FieldPath]:
        """Every field down to the deepest that is managed."""
        return frozenset(path for path, is_deepest in _walked(self.tree, ()) if is_deepest)

    @cached_property
    def _above(self) -> frozenset[FieldPath]:
        return frozenset(path for path, is_deepest in _walked(self.tree, ()) if not is_deepest)

    def has(self, path: FieldPath) -> bool:
        """Whether the field, all that it is part of, or something in it is managed."""
        return path in self._above or any(path[:end] in self.paths for end in range(1, len(path) + 1))


def managed(document: Object) -> list[Managed]:
    """Who manages which fields of an object."""
    return [
        Managed(
            Manager(
                entry.get("manager", ""),
                entry.get("operation", ""),
                entry.get("time", ""),
                entry.get("subresource", ""),
            ),
            entry.get("fieldsV1") or {},
        )
        for entry in document["metadata"].get("managedFields") or ()
    ]


def managers(document: Object, path: FieldPath) -> list[Manager]:
    """Who manages a field of an object."""
    return [entry.manager for entry in managed(document) if entry.has(path)]


def list_keys(documents: Sequence[Object]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """By which keys the items of lists are told apart, by the names of the fields above; none for a set.

    A list that is missing here is one value to the API server.
    """
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for document in documents:
        for entry in managed(document):
            for path, _ in _walked(entry.tree, ()):
                if path and isinstance(path[-1], Item):
                    names = tuple(step for step in path[:-1] if isinstance(step, str))
                    found[names] = tuple(key for key, _ in path[-1].keys if key)
    return found


def _walked(tree: Mapping[str, Any], above: FieldPath) -> Iterator[tuple[FieldPath, bool]]:
    """Every node, and whether nothing is below it."""
    for name, below in tree.items():
        if name == ".":
            continue
        path = (*above, _step(name))
        yield path, not below
        yield from _walked(below, path)


def _step(name: str) -> str | Item | int:
    kind, _, text = name.partition(":")
    if kind == "f":
        return text
    value = json.loads(text)
    if kind == "k":
        return Item(tuple(sorted(value.items())))
    return Item((("", value),)) if kind == "v" else int(value)
