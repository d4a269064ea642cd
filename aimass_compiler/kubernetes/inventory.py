"""What a model owns in an environment: an inventory in the cluster, as Flux keeps one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from aimass_compiler import conventions, model_path
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.failures import Changed, ClusterError, Conflict
from aimass_compiler.kubernetes.hold import ImageHold, LiftedHold
from aimass_compiler.kubernetes.objects import Object, ObjectKey, group_and_version, key_of

FORMAT: Final = "aimass.owned/v2"
COMPONENT = "inventory"


class DamagedInventory(ClusterError):  # noqa: N818  # it reads as what is the case
    """Somebody has changed an inventory so that it cannot be read: deleting by it could do harm."""

    def __init__(self, name: str, namespace: str, model: str) -> None:
        super().__init__(
            f"the inventory `{name}` in `{namespace}` cannot be read",
            "it was changed by hand: delete the ConfigMap, apply again, and look for what is left over",
        )
        self.model = model
        """Whose it is, by its name, which nobody can change."""


@dataclass(frozen=True, order=True)
class InventoryEntry:
    """An object that is owned, and the version of its kind that was applied."""

    key: ObjectKey
    version: str


class AppliedRelease(Struct, frozen=True):
    """A version of a model, and the images that its pods run by their place; empty where none is known."""

    version: str = ""
    images: dict[str, str] = msgspec.field(default_factory=dict)


@dataclass(frozen=True)
class ClusterInventory:
    """What a model owns in an environment, and where that came from."""

    model: str
    """Its path, as git had it when it was applied."""
    environment: str
    namespace: str
    release: AppliedRelease = field(default_factory=AppliedRelease)
    """What runs, or is about to where the last apply was not completed."""
    before: AppliedRelease = field(default_factory=AppliedRelease)
    """What ran before it."""
    is_complete: bool = False
    """Whether the last apply that changed something came to its end."""
    digest: str = ""
    """A short name of all that was declared when an apply last came to its end."""
    commit: str = ""
    """The git commit of the last apply that changed something, if known."""
    source: str = ""
    """The address of the git repository, without credentials, if known."""
    holds: tuple[ImageHold, ...] = ()
    """What must not come back."""
    lifted: LiftedHold | None = None
    """The last hold that is no more."""
    entries: tuple[InventoryEntry, ...] = ()
    resource_version: str = ""
    """Which state of the inventory was read; empty where there is none yet."""

    @property
    def name(self) -> str:
        """The name of the ConfigMap."""
        return name_of(self.model, self.environment)

    @property
    def version(self) -> str:
        """The version that runs, or is about to."""
        return self.release.version

    def releasing(self, release: AppliedRelease, *, is_stable: bool) -> ClusterInventory:
        """The same where a release is about to be applied: what ran until now is the one before.

        Unless it is not `is_stable`, as a canary that never took over: then it is what ran before that.
        """
        if release.images == self.release.images:
            return replace(self, release=release)
        before = self.release if is_stable and self.is_complete and self.release.images else self.before
        return replace(self, release=release, before=before)

    def having(self, entries: Iterable[InventoryEntry]) -> ClusterInventory:
        """The same with other entries, sorted; one object in two versions stands once, as the last has it."""
        by_key = {entry.key: entry for entry in entries}
        return replace(self, entries=tuple(by_key[key] for key in sorted(by_key)))


def name_of(model: str, environment: str) -> str:
    """The name of the ConfigMap that holds the inventory, and of the Lease that guards it."""
    return conventions.RECORD_NAME.format(model=model_path.name_of(model), environment=environment)


def entry_of(document: Object) -> InventoryEntry:
    """The entry of an object."""
    return InventoryEntry(key_of(document), group_and_version(document)[1])


def read(connection: Connection, namespace: str, model: str, environment: str) -> ClusterInventory | None:
    """What a model owns there, or None where it was never applied. Raises Damaged and other ClusterErrors."""
    document = connection.get(_key(namespace, name_of(model, environment)))
    return None if document is None else replace(_sound(_decoded(document, environment)), model=model)


def found(
    connection: Connection, environment: str, namespace: str
) -> list[ClusterInventory | DamagedInventory]:
    """Every inventory of an environment, by its model. Raises ClusterError."""
    labels = {
        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
        conventions.LABEL_COMPONENT: COMPONENT,
        conventions.LABEL_ENVIRONMENT: environment,
    }
    documents = connection.list("", "ConfigMap", namespace, labels)
    return sorted((_decoded(each, environment) for each in documents), key=lambda each: each.model)


def listed(connection: Connection, environment: str, namespace: str) -> list[ClusterInventory]:
    """The same where all of them can be read. Raises Damaged and other ClusterErrors."""
    return [_sound(each) for each in found(connection, environment, namespace)]


def elsewhere(
    connection: Connection, environment: str, namespaces: Collection[str], source: str
) -> list[ClusterInventory]:
    """What a repository applied for an environment in other namespaces, as where it moved away from.

    Who may not look into all namespaces finds none: this only completes what a plan said before.
    """
    try:
        there = found(connection, environment, "") if source else []
    except ClusterError:
        return []
    known = [each for each in there if isinstance(each, ClusterInventory)]
    return [each for each in known if each.source == source and each.namespace not in namespaces]


def require_same_source(owned: ClusterInventory, source: str) -> None:
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


def write(connection: Connection, owned: ClusterInventory) -> ClusterInventory:
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


def forget(connection: Connection, owned: ClusterInventory) -> None:
    """Delete an inventory. Raises ClusterError."""
    document = connection.get(_key(owned.namespace, owned.name))
    if document is not None:
        connection.delete(document)


def _key(namespace: str, name: str) -> ObjectKey:
    return ObjectKey("", "ConfigMap", namespace, name)


class _WrittenEntry(Struct, frozen=True):
    group: str
    version: str
    kind: str
    namespace: str
    name: str


class _Written(Struct, frozen=True, kw_only=True):
    """An inventory as its ConfigMap holds it; the first format has no more than its first six fields."""

    format: Literal["aimass.owned/v1", "aimass.owned/v2"]
    version: str
    digest: str
    commit: str
    source: str
    objects: tuple[_WrittenEntry, ...]
    complete: bool | None = None
    images: dict[str, str] = msgspec.field(default_factory=dict)
    before: AppliedRelease = msgspec.field(default_factory=AppliedRelease)
    holds: tuple[ImageHold, ...] = ()
    lifted: LiftedHold | None = None
    team: str | UnsetType = UNSET
    """Whose model it is, where it is a team's; its name is that of the ConfigMap."""


def _encoded(owned: ClusterInventory) -> dict[str, Any]:
    content = _Written(
        format=FORMAT,
        version=owned.version,
        digest=owned.digest,
        commit=owned.commit,
        source=owned.source,
        complete=owned.is_complete,
        images=owned.release.images,
        before=owned.before,
        holds=owned.holds,
        lifted=owned.lifted,
        team=model_path.team_of(owned.model) or UNSET,
        objects=tuple(
            _WrittenEntry(each.key.group, each.version, each.key.kind, each.key.namespace, each.key.name)
            for each in owned.entries
        ),
    )
    metadata = {
        "name": owned.name,
        "namespace": owned.namespace,
        "labels": {
            conventions.LABEL_MANAGED_BY: conventions.MANAGER,
            conventions.LABEL_COMPONENT: COMPONENT,
            conventions.LABEL_MODEL: model_path.name_of(owned.model),
            conventions.LABEL_ENVIRONMENT: owned.environment,
        },
    }
    if owned.resource_version:
        metadata["resourceVersion"] = owned.resource_version
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {
            conventions.INVENTORY_FILE: msgspec.json.format(
                msgspec.json.encode(content, order="sorted"), indent=1
            ).decode()
        },
    }


def _sound(found: ClusterInventory | DamagedInventory) -> ClusterInventory:
    if isinstance(found, DamagedInventory):
        raise found
    return found


def _decoded(document: Object, environment: str) -> ClusterInventory | DamagedInventory:
    try:
        owned = _understood(document)
    except (KeyError, TypeError, msgspec.MsgspecError):
        owned = None
    name = document["metadata"]["name"]
    if owned is not None and owned.name == name:
        return owned
    before, after = name_of("*", environment).split("*")
    return DamagedInventory(
        name, document["metadata"]["namespace"], name.removeprefix(before).removesuffix(after)
    )


def _understood(document: Object) -> ClusterInventory:
    """Raises KeyError, TypeError or MsgspecError where it is damaged."""
    metadata = document["metadata"]
    written = msgspec.json.decode(document["data"][conventions.INVENTORY_FILE], type=_Written)
    owned = ClusterInventory(
        model=model_path.path_of(written.team or "", metadata["labels"][conventions.LABEL_MODEL]),
        environment=metadata["labels"][conventions.LABEL_ENVIRONMENT],
        namespace=metadata["namespace"],
        release=AppliedRelease(written.version, written.images),
        before=written.before,
        is_complete=bool(written.digest) if written.complete is None else written.complete,
        digest=written.digest,
        commit=written.commit,
        source=written.source,
        holds=written.holds,
        lifted=written.lifted,
        resource_version=metadata["resourceVersion"],
    )
    return owned.having(
        InventoryEntry(ObjectKey(each.group, each.kind, each.namespace, each.name), each.version)
        for each in written.objects
    )
