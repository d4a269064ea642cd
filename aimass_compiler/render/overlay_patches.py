"""What must change in one set of Kubernetes objects to get another, as kustomize says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from aimass_compiler.render.image_volumes import is_custom

Object = Mapping[str, Any]
#: Kind and name, which kustomize finds an object by.
Identity = tuple[str, str]

#: Lists that a strategic merge patch merges, by the key that it finds their items by; every other list that
#: changes is replaced.
_MERGED_BY = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath"}


class Difference(Struct, frozen=True):
    """New objects, and patches of those that change or go."""

    added: list[Object]
    patches: list[Object]


def identity(document: Object) -> Identity:
    """The kind and the name of an object."""
    return document["kind"], document["metadata"]["name"]


def difference(before: Sequence[Object], after: Sequence[Object]) -> Difference:
    """How `after` differs from `before`."""
    old = {identity(document): document for document in before}
    new = {identity(document): document for document in after}
    added = [document for key, document in new.items() if key not in old]
    return Difference(added, list(_patches(old, new)))


def _patches(old: Mapping[Identity, Object], new: Mapping[Identity, Object]) -> Iterator[Object]:
    for key, document in old.items():
        head = {"apiVersion": document["apiVersion"], "kind": key[0], "metadata": {"name": key[1]}}
        if key not in new:
            yield {"$patch": "delete", **head}
        elif new[key] != document:
            changes = _changes(document, new[key], _merged_by(document))
            yield head | changes | {"metadata": head["metadata"] | changes.get("metadata", {})}


def _merged_by(document: Object) -> Mapping[str, str]:
    """The lists that are merged: of a custom resource none, for Kustomize does not know its fields."""
    return {} if is_custom(document) else _MERGED_BY


def _changes(before: Object, after: Object, merged_by: Mapping[str, str]) -> dict[str, Any]:
    changes: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        if key not in before:
            changes[key] = value
        elif before[key] != value:
            changes[key] = _change(key, before[key], value, merged_by)
    return changes


def _change(key: str, before: Any, after: Any, merged_by: Mapping[str, str]) -> Any:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return _changes(before, after, merged_by)
    by = merged_by.get(key)
    if by is None:
        return after
    old, new = ({part[by]: part for part in parts} for parts in (before, after))
    changed = (name for name in new if old.get(name) != new[name])
    gone = ({by: name, "$patch": "delete"} for name in old if name not in new)
    return [*({by: name, **_changes(old.get(name, {}), new[name], merged_by)} for name in changed), *gone]
