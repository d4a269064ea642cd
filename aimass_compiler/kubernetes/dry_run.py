"""Looks at what applying would do, by a dry run on the server that changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.kubernetes import handover
from aimass_compiler.kubernetes.connection import AppliedObject, Connection
from aimass_compiler.kubernetes.failures import ClusterError, Conflict, Refused
from aimass_compiler.kubernetes.handover import Handover
from aimass_compiler.kubernetes.objects import DeclaredModel, Object, key_of, owner_of
from aimass_compiler.kubernetes.pod_images import images_of
from aimass_compiler.kubernetes.prune import NotGone, wait_until_gone
from aimass_compiler.kubernetes.run import ObjectAction, ObjectOutcome
from aimass_compiler.model_path import name_of

#: What the API server counts, which differs though nobody changed anything.
_COUNTED = ("managedFields", "resourceVersion", "generation")
_NO_DRY_RUN = "does not support dry run"


@dataclass(frozen=True)
class DryRun:
    """What applying an object would do."""

    document: Object
    outcome: ObjectOutcome
    is_forced: bool = False
    """Whether it takes over fields, all of which are git's to have."""
    replicas: int | None = None
    """How many servers it must be given, where git leaves their number to a scaler."""

    @property
    def changes(self) -> bool:
        """Whether applying it changes anything."""
        return self.outcome.action is not ObjectAction.UNCHANGED


def dry_run(
    connection: Connection, around: Handover, document: Object, *, force: bool, deadline: float
) -> DryRun | ClusterError:
    """What applying one object would do, or why the cluster would not take it."""
    try:
        return _dry_run(connection, around, document, force=force, deadline=deadline)
    except ClusterError as error:
        return error


def _dry_run(
    connection: Connection, around: Handover, document: Object, *, force: bool, deadline: float
) -> DryRun:
    key, is_shared = key_of(document), around.is_shared(document)
    live = connection.get(key) if is_shared else None
    wanted = handover.with_written(document, live, around.services)
    tried = _answer(connection, wanted, force=force)
    conflict = tried if isinstance(tried, Conflict) else None
    if conflict is not None and around.may_take(document, conflict):
        tried = _answer(connection, wanted, force=True)
    is_forced = conflict is not None and not isinstance(tried, Conflict)
    if live is None and not (isinstance(tried, AppliedObject) and tried.is_new):
        live = connection.get(key)
    if live is not None and "deletionTimestamp" in live["metadata"]:
        # What is applied to it would go with it.
        try:
            wait_until_gone(connection, [live], deadline)
        except NotGone as stays:
            raise Refused(str(stays), stays.help) from stays  # nothing has been applied
        return _dry_run(connection, around, document, force=force, deadline=deadline)
    if live is not None:
        _require_ours(live, around.declared)
    is_agreed = False
    if isinstance(tried, Conflict):
        tried, is_agreed = _agreed(connection, wanted, live, tried), True
    if tried is not None:
        _require_volumes(document, tried.document)
    replicas = around.replicas(document, live)
    merged = _with_replicas(tried.document, replicas) if tried is not None else None
    if live is None:
        return DryRun(document, ObjectOutcome(key, ObjectAction.CREATED, merged=merged), is_forced, replicas)
    of_all = is_shared or is_agreed or handover.is_left(live)
    is_same = merged is not None and _is_same(live, merged, of_all=of_all)
    action = ObjectAction.UNCHANGED if is_same else ObjectAction.CHANGED
    return DryRun(document, ObjectOutcome(key, action, live=live, merged=merged), is_forced, replicas)


def _require_volumes(document: Object, answered: Object) -> None:
    """Raises Refused where the server dropped a volume: it says nothing where it mounts no images."""
    if images_of(document).keys() - images_of(answered).keys():
        raise Refused(
            f"{key_of(document)} was refused: pods of this cluster cannot mount images as volumes",
            "Kubernetes 1.35 can, and before it with the feature gate ImageVolume; "
            "or put the model into the server's image: `serving: {model: image}`",
        )


def _agreed(
    connection: Connection, document: Object, live: Object | None, conflict: Conflict
) -> AppliedObject:
    """The object as it stays where a conflict is about the same values. Raises the conflict otherwise.

    To the API server, what it fills into a list that is one value makes that differ from what all declare.
    """
    forced = _answer(connection, document, force=True)
    if live is None or not isinstance(forced, AppliedObject) or _content(live) != _content(forced.document):
        raise conflict
    return forced


def _with_replicas(merged: dict[str, Any], replicas: int | None) -> dict[str, Any]:
    return merged if replicas is None else {**merged, "spec": {**merged["spec"], "replicas": replicas}}


def _require_ours(live: Object, declared: DeclaredModel) -> None:
    """Raises Conflict for an object of another model or environment, which has the same field manager.

    A label that is missing says of nobody else: removed by another manager, and applying brings it back.
    """
    model, environment = owner_of(live)
    name = name_of(declared.model)
    if model not in {"", name} or environment not in {"", declared.environment}:
        owner = f"`{model or name}` in {environment or declared.environment}"
        raise Conflict(
            f"{key_of(live)} in the namespace `{declared.namespace}` belongs to {owner}",
            "two environments need two namespaces (aimass.yaml), and two models two names",
            (),
        )


def _answer(connection: Connection, document: Object, *, force: bool) -> AppliedObject | Conflict | None:
    """The object as it would be, or who else manages it; None where a webhook cannot tell without acting."""
    try:
        return connection.apply(document, force=force, is_dry_run=True)
    except Conflict as conflict:
        return conflict
    except Refused as refused:
        if _NO_DRY_RUN in str(refused):
            return None
        raise


def _is_same(live: Object, merged: Object, *, of_all: bool) -> bool:
    """Whether nothing would change; `of_all` where it does not matter who manages what is the same."""
    return _content(live) == _content(merged) and (of_all or _ours(live) == _ours(merged))


def _content(document: Object) -> dict[str, Any]:
    metadata = {name: value for name, value in document["metadata"].items() if name not in _COUNTED}
    return {**document, "metadata": metadata, "status": None}


def _ours(document: Object) -> list[Any]:
    """The fields that we manage: giving one up changes nothing else."""
    return [
        entry.get("fieldsV1")
        for entry in document["metadata"].get("managedFields", ())
        if entry.get("manager") == conventions.MANAGER and entry.get("operation") == "Apply"
    ]
