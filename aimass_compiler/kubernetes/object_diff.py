"""How an object in a cluster differs from what applying it would leave, and who manages its fields.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from aimass_compiler import conventions
from aimass_compiler.kubernetes.objects import Object

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
    """By which keys the items of lists are distinguished, by the names of the fields above; none for a set.

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


#: What the API server writes about every object.
_BOOKKEEPING = frozenset(
    ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
#: What is added there is an entry, even where we have none.
_SHARED = frozenset(("annotations", "labels", "data", "finalizers", "ownerReferences"))
_SECRET_PARTS = frozenset(("data", "stringData"))


class Nothing:
    """Stands for the value of a field that is not there; there is one, `NOTHING`."""

    def __repr__(self) -> str:
        return "NOTHING"


class Secret:
    """Stands for a value that nobody must see; there is one, `SECRET`."""

    def __repr__(self) -> str:
        return "SECRET"


NOTHING: Final = Nothing()
SECRET: Final = Secret()


@dataclass(frozen=True)
class FieldChange:
    """A field that applying would change."""

    path: FieldPath
    live: Any
    """The value in the cluster; NOTHING where there is none, SECRET where it must not be seen."""
    wanted: Any
    """The value afterwards, told likewise."""
    managers: tuple[Manager, ...] = ()
    """Who manages the field in the cluster."""

    @property
    def others(self) -> tuple[Manager, ...]:
        """Those of the managers who are not us."""
        return tuple(manager for manager in self.managers if not manager.is_us)


@dataclass(frozen=True)
class Addition:
    """A field of an object of ours that we do not declare, and who added it."""

    path: FieldPath
    manager: Manager


def changes(live: Object, wanted: Object) -> list[FieldChange]:
    """What is different in `wanted`, by path, with who manages it in `live`."""
    owners = managed(live)
    keys = list_keys((live, wanted))
    found = []
    is_secret = live["kind"] == "Secret"
    for path, before, after in _mappings(live, wanted, (), keys):
        if path[0] == "status" or (path[0] == "metadata" and path[1] in _BOOKKEEPING):
            continue
        old, new = (_masked(path, value) if is_secret else value for value in (before, after))
        who = tuple(entry.manager for entry in owners if entry.has(path))
        found.append(FieldChange(path, old, new, who))
    return found


def additions(live: Object, wanted: Object) -> list[Addition]:
    """What others put into an object beside what we declare; what goes through a subresource is not told."""
    ours = [entry for entry in managed(wanted) if entry.manager.is_us]
    found: dict[FieldPath, Addition] = {}
    for entry in managed(live):
        if entry.manager.is_us or entry.manager.subresource:
            continue
        for path in entry.paths:
            top = _first_undeclared(path, ours)
            if top is not None:
                found.setdefault(top, Addition(top, entry.manager))
    return sorted(found.values(), key=lambda addition: list(map(str, addition.path)))


def _first_undeclared(path: FieldPath, ours: Sequence[Managed]) -> FieldPath | None:
    """The path cut where it leaves what we declare, or behind a shared field; None where it does not."""
    for end in range(1, len(path) + 1):
        if not any(entry.has(path[:end]) for entry in ours):
            shared = next((place for place in range(end - 1, len(path)) if path[place] in _SHARED), end - 2)
            return path[: shared + 2]
    return None


def _masked(path: FieldPath, value: Any) -> Any:
    """A value of a Secret as everybody may see it; kubectl keeps a copy of them all in an annotation."""
    if value is NOTHING:
        return value
    if path[0] in _SECRET_PARTS or path[-1] == _LAST_APPLIED:
        return SECRET
    if isinstance(value, Mapping) and _LAST_APPLIED in value:
        return {**value, _LAST_APPLIED: "(secret)"}
    return value


_Change = tuple[FieldPath, Any, Any]
_Keys = Mapping[tuple[str, ...], tuple[str, ...]]


def _mappings(live: Object, wanted: Object, above: FieldPath, keys: _Keys) -> Iterator[_Change]:
    for name in sorted({*live, *wanted}):
        before, after = live.get(name, NOTHING), wanted.get(name, NOTHING)
        yield from _values(before, after, (*above, name), keys)


def _values(before: Any, after: Any, path: FieldPath, keys: _Keys) -> Iterator[_Change]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _mappings(before, after, path, keys)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path, keys)
    else:
        yield path, before, after


def _lists(before: list[Any], after: list[Any], path: FieldPath, keys: _Keys) -> Iterator[_Change]:
    keyed_by = keys.get(tuple(step for step in path if isinstance(step, str)))
    if keyed_by is None and len(before) != len(after):
        yield path, before, after
    elif keyed_by is None:
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _values(old, new, (*path, place), keys)
    else:
        old_items, new_items = _items(before, keyed_by), _items(after, keyed_by)
        for item in [*old_items, *(item for item in new_items if item not in old_items)]:
            pair = old_items.get(item, NOTHING), new_items.get(item, NOTHING)
            yield from _values(*pair, (*path, item), keys)


def _items(values: list[Any], keys: tuple[str, ...]) -> dict[Item, Any]:
    """The items by what tells them apart; of a set, each is its own key."""
    if not keys:
        return {Item((("", value),)): value for value in values}
    return {Item(tuple((key, value[key]) for key in sorted(keys) if key in value)): value for value in values}
