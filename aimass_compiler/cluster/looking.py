"""Looks at what applying would do, by a dry run on the server that changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.cluster import rollouts
from aimass_compiler.cluster.connection import Connection, Merged
from aimass_compiler.cluster.failures import ClusterError, Conflict, Refused
from aimass_compiler.cluster.handover import Handover
from aimass_compiler.cluster.leaving import NotGone, wait_until_gone
from aimass_compiler.cluster.objects import Declared, Object, key_of, owner_of
from aimass_compiler.cluster.outcomes import Action, Outcome

#: What the API server counts, which differs though nobody changed anything.
_COUNTED = ("managedFields", "resourceVersion", "generation")
_NO_DRY_RUN = "does not support dry run"


@dataclass(frozen=True)
class Look:
    """What applying an object would do."""

    document: Object
    outcome: Outcome
    is_forced: bool = False
    """Whether it takes over fields, all of which are git's to have."""
    replicas: int | None = None
    """How many servers it must be given, where git leaves their number to a scaler."""


def look(
    connection: Connection, around: Handover, document: Object, *, force: bool, deadline: float
) -> Look | ClusterError:
    """What applying one object would do, or why the cluster would not take it."""
    try:
        return _look(connection, around, document, force=force, deadline=deadline)
    except ClusterError as error:
        return error


def _look(
    connection: Connection, around: Handover, document: Object, *, force: bool, deadline: float
) -> Look:
    key, is_shared = key_of(document), around.is_shared(document)
    live = connection.get(key) if is_shared else None
    wanted = rollouts.with_written(document, live, around.services)
    tried = _tried(connection, wanted, force=force)
    conflict = tried if isinstance(tried, Conflict) else None
    if conflict is not None and around.may_take(document, conflict):
        tried = _tried(connection, wanted, force=True)
    is_forced = conflict is not None and not isinstance(tried, Conflict)
    if live is None and not (isinstance(tried, Merged) and tried.is_new):
        live = connection.get(key)
    if live is not None and "deletionTimestamp" in live["metadata"]:
        # What is applied to it would go with it.
        try:
            wait_until_gone(connection, [live], deadline)
        except NotGone as stays:
            raise Refused(str(stays), stays.help) from stays  # nothing has been applied
        return _look(connection, around, document, force=force, deadline=deadline)
    if live is not None:
        _hold_apart(live, around.declared)
    if isinstance(tried, Conflict):
        raise tried
    replicas = around.replicas(document, live)
    merged = _with_replicas(tried.document, replicas) if tried is not None else None
    if live is None:
        return Look(document, Outcome(key, Action.CREATED, merged=merged), is_forced, replicas)
    is_same = merged is not None and _is_same(live, merged, of_all=is_shared)
    action = Action.UNCHANGED if is_same else Action.CHANGED
    return Look(document, Outcome(key, action, live=live, merged=merged), is_forced, replicas)


def _with_replicas(merged: dict[str, Any], replicas: int | None) -> dict[str, Any]:
    return merged if replicas is None else {**merged, "spec": {**merged["spec"], "replicas": replicas}}


def _hold_apart(live: Object, declared: Declared) -> None:
    """Raises Conflict for an object of another model or environment, which has the same field manager.

    A label that is missing says of nobody else: somebody took it away, and applying brings it back.
    """
    model, environment = owner_of(live)
    if model not in {"", declared.model} or environment not in {"", declared.environment}:
        owner = f"`{model or declared.model}` in {environment or declared.environment}"
        raise Conflict(
            f"{key_of(live)} in the namespace `{declared.namespace}` belongs to {owner}",
            "two environments need two namespaces (aimass.yaml), and two models two names",
            (),
        )


def _tried(connection: Connection, document: Object, *, force: bool) -> Merged | Conflict | None:
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
