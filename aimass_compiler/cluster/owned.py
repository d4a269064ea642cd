"""What a model owns in an environment: an inventory in the cluster, as Flux keeps one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.cluster.connection import Connection
from aimass_compiler.cluster.failures import Changed, ClusterError, Conflict
from aimass_compiler.cluster.objects import Object, ObjectKey, group_and_version, key_of

FORMAT = "aimass.owned/v1"
COMPONENT = "inventory"
_TEXTS = ("version", "digest", "commit", "source")
_PARTS = ("group", "version", "kind", "namespace", "name")


class Damaged(ClusterError):  # noqa: N818  # it reads as what is the case
    """Somebody has changed an inventory so that it cannot be read: deleting by it could do harm."""

    def __init__(self, name: str, namespace: str, model: str) -> None:
        super().__init__(
            f"the inventory `{name}` in `{namespace}` cannot be read",
            "somebody has changed it: delete the ConfigMap, apply again, and look for what is left over",
        )
        self.model = model
        """Whose it is, by its name, which nobody can change."""


@dataclass(frozen=True, order=True)
class Entry:
    """An object that is owned, and the version of its kind that was applied."""

    key: ObjectKey
    version: str


@dataclass(frozen=True)
class Owned:
    """What a model owns in an environment, and where that came from."""

    model: str
    environment: str
    namespace: str
    version: str = ""
    """The tag of the image that serves; of the last apply that was completed."""
    digest: str = ""
    """A short name of all that was declared then."""
    commit: str = ""
    """The git commit that it was declared in, if known."""
    source: str = ""
    """The address of the git repository, without credentials, if known."""
    entries: tuple[Entry, ...] = ()
    resource_version: str = ""
    """Which state of the inventory was read; empty where there is none yet."""

    @property
    def name(self) -> str:
        """The name of the ConfigMap."""
        return name_of(self.model, self.environment)

    def having(self, entries: Iterable[Entry]) -> Owned:
        """The same with other entries, sorted; one object in two versions stands once, as the last has it."""
        by_key = {entry.key: entry for entry in entries}
        return replace(self, entries=tuple(by_key[key] for key in sorted(by_key)))


def name_of(model: str, environment: str) -> str:
    """The name of the ConfigMap that holds the inventory, and of the Lease that guards it."""
    return conventions.RECORD_NAME.format(model=model, environment=environment)


def entry_of(document: Object) -> Entry:
    """The entry of an object."""
    return Entry(key_of(document), group_and_version(document)[1])


def read(connection: Connection, namespace: str, model: str, environment: str) -> Owned | None:
    """What a model owns there, or None where it was never applied. Raises Damaged and other ClusterErrors."""
    document = connection.get(_key(namespace, name_of(model, environment)))
    return None if document is None else _sound(_decoded(document, environment))


def found(connection: Connection, environment: str, namespace: str) -> list[Owned | Damaged]:
    """Every inventory of an environment, by its model. Raises ClusterError."""
    labels = {
        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
        conventions.LABEL_COMPONENT: COMPONENT,
        conventions.LABEL_ENVIRONMENT: environment,
    }
    documents = connection.list("", "ConfigMap", namespace, labels)
    return sorted((_decoded(each, environment) for each in documents), key=lambda each: each.model)


def listed(connection: Connection, environment: str, namespace: str) -> list[Owned]:
    """The same where all of them can be read. Raises Damaged and other ClusterErrors."""
    return [_sound(each) for each in found(connection, environment, namespace)]


def elsewhere(connection: Connection, environment: str, namespace: str, source: str) -> list[Owned]:
    """What a repository applied for an environment in other namespaces, as where it moved away from.

    Who may not look into all namespaces finds none: this only completes what a plan said before.
    """
    try:
        there = found(connection, environment, "") if source else []
    except ClusterError:
        return []
    known = [each for each in there if isinstance(each, Owned)]
    return [each for each in known if each.source == source and each.namespace != namespace]


def hold_apart(owned: Owned, source: str) -> None:
    """Raises Conflict where another repository applied it than the one with this address.

    What was applied from no repository that can be told is everybody's.
    """
    if owned.source in {"", source}:
        return
    message = f"`{owned.model}` in {owned.environment} was applied from the repository `{owned.source}`"
    here = f"this is `{source}`" if source else "this one has no remote `origin` that says it is the same"
    raise Conflict(
        f"{message}, and {here}",
        "give one of the two models another name or namespace; `aimass apply --adopt` takes it over",
        (),
    )


def write(connection: Connection, owned: Owned) -> Owned:
    """Keep an inventory, unless another one has been written since it was read.

    Raises Changed then, and ClusterError.
    """
    document = _encoded(owned)
    try:
        answer = (connection.replace if owned.resource_version else connection.create)(document)
    except Changed:
        there = read(connection, owned.namespace, owned.model, owned.environment)
        if there is None or replace(there, resource_version=owned.resource_version) != owned:
            raise
        return there  # it was written, and only the answer was lost
    return replace(owned, resource_version=answer.document["metadata"]["resourceVersion"])


def forget(connection: Connection, owned: Owned) -> None:
    """Delete an inventory. Raises ClusterError."""
    document = connection.get(_key(owned.namespace, owned.name))
    if document is not None:
        connection.delete(document)


def _key(namespace: str, name: str) -> ObjectKey:
    return ObjectKey("", "ConfigMap", namespace, name)


def _encoded(owned: Owned) -> dict[str, Any]:
    content = {
        "format": FORMAT,
        "version": owned.version,
        "digest": owned.digest,
        "commit": owned.commit,
        "source": owned.source,
        "objects": [
            {
                "group": entry.key.group,
                "version": entry.version,
                "kind": entry.key.kind,
                "namespace": entry.key.namespace,
                "name": entry.key.name,
            }
            for entry in owned.entries
        ],
    }
    metadata = {
        "name": owned.name,
        "namespace": owned.namespace,
        "labels": {
            conventions.LABEL_MANAGED_BY: conventions.MANAGER,
            conventions.LABEL_COMPONENT: COMPONENT,
            conventions.LABEL_MODEL: owned.model,
            conventions.LABEL_ENVIRONMENT: owned.environment,
        },
    }
    if owned.resource_version:
        metadata["resourceVersion"] = owned.resource_version
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {conventions.INVENTORY_FILE: json.dumps(content, indent=1)},
    }


def _sound(found: Owned | Damaged) -> Owned:
    if isinstance(found, Damaged):
        raise found
    return found


def _decoded(document: Object, environment: str) -> Owned | Damaged:
    try:
        owned = _understood(document, json.loads(document["data"][conventions.INVENTORY_FILE]))
    except (KeyError, TypeError, ValueError):
        owned = None
    if owned is not None:
        return owned
    name = document["metadata"]["name"]
    before, after = name_of("*", environment).split("*")
    return Damaged(name, document["metadata"]["namespace"], name.removeprefix(before).removesuffix(after))


def _understood(document: Object, content: Any) -> Owned | None:
    metadata = document["metadata"]
    owned = Owned(
        model=metadata["labels"][conventions.LABEL_MODEL],
        environment=metadata["labels"][conventions.LABEL_ENVIRONMENT],
        namespace=metadata["namespace"],
        version=content["version"],
        digest=content["digest"],
        commit=content["commit"],
        source=content["source"],
        resource_version=metadata["resourceVersion"],
    )
    words = [content[name] for name in _TEXTS] + [
        each[name] for each in content["objects"] for name in _PARTS
    ]
    if not all(isinstance(word, str) for word in words):
        return None
    if content["format"] != FORMAT or owned.name != metadata["name"]:
        return None
    return owned.having(
        Entry(ObjectKey(each["group"], each["kind"], each["namespace"], each["name"]), each["version"])
        for each in content["objects"]
    )
