"""What we applied of an object, read back from the API server's own record of who manages which fields.

So it can be applied again with a change, without the files that it came from.
Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management, and `ExtractItems`
in sigs.k8s.io/structured-merge-diff, with which client-go does the same
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.kubernetes.objects import Object

_SELF = "."


def applied_part(live: Object) -> dict[str, Any]:
    """The object with its name, and with nothing but the fields that are ours."""
    ours = (
        entry.get("fieldsV1") or {}
        for entry in live["metadata"].get("managedFields") or ()
        if (entry.get("manager"), entry.get("operation")) == (conventions.MANAGER, "Apply")
    )
    found: dict[str, Any] = _of_mapping(live, next(ours, {}))
    name = {key: live["metadata"][key] for key in ("name", "namespace")}
    metadata = {**found.get("metadata", {}), **name}
    return {**found, "apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}


def _part(value: Any, tree: Mapping[str, Any]) -> Any:
    """Of a value what a tree of fields names; all of it where it names nothing within."""
    if not tree:
        return value
    if isinstance(value, Mapping):
        return _of_mapping(value, tree)
    return _of_list(value, tree) if isinstance(value, list) else value


def _of_mapping(value: Mapping[str, Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    named = {field.removeprefix("f:"): below for field, below in tree.items() if field != _SELF}
    return {name: _part(value[name], below) for name, below in named.items() if name in value}


def _of_list(values: list[Any], tree: Mapping[str, Any]) -> list[Any]:
    """The items that are named by their keys, or of a set by themselves; keys are always part of an item.

    They are in their order, which the record does not have: another one is another template of pods.
    """
    named = [(*item.split(":", 1), below) for item, below in tree.items() if ":" in item]
    sets = [json.loads(text) for kind, text, _ in named if kind == "v"]
    keyed = [(json.loads(text), below) for kind, text, below in named if kind == "k"]
    found = []
    for each in values:
        found += [each] if each in sets else []
        found += [{**keys, **_part(each, below)} for keys, below in keyed if keys.items() <= each.items()]
    return found
