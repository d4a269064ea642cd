"""Deletes what a model owns, and nothing that is not its own: what it no longer declares, or all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes import inventory
from aimass_compiler.kubernetes.connection import Connection, KindMissing
from aimass_compiler.kubernetes.delivery_engine import engine_of
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.inventory import ClusterInventory, InventoryEntry
from aimass_compiler.kubernetes.lease import leased
from aimass_compiler.kubernetes.objects import Object, ObjectKey, belongs_to, key_of, rank
from aimass_compiler.kubernetes.pauses import pauses
from aimass_compiler.kubernetes.run import Applied, ApplyRun, ObjectAction, ObjectOutcome

_LONGEST_PAUSE = 0.3


class NotGone(ClusterError):  # noqa: N818  # it reads as what is the case
    """What is being deleted is not gone in time."""

    exit_code = ExitCode.NOT_READY


def wait_until_gone(connection: Connection, leaving: Iterable[Object], deadline: float) -> None:
    """Wait for objects that are being deleted. Raises NotGone with what holds them, and ClusterError."""
    waiting = list(leaving)

    def left() -> list[Object]:
        return [found for each in waiting if (found := _still_there(connection, each)) is not None]

    _wait_until_none(left, deadline)


def wait_until_no_pods(
    connection: Connection, namespace: str, labels: Mapping[str, str], deadline: float
) -> None:
    """Wait until no pod has these labels, as who may only list pods. Raises NotGone, and ClusterError."""
    _wait_until_none(lambda: connection.list("", "Pod", namespace, labels), deadline)


def _wait_until_none(left: Callable[[], Sequence[Object]], deadline: float) -> None:
    rests = pauses(_LONGEST_PAUSE)
    while waiting := left():
        if time.monotonic() > deadline:
            raise NotGone(
                "; ".join(map(_held_by, waiting)),
                "wait until it is gone (its finalizers let it go when their work is done), then run it again",
            )
        time.sleep(next(rests))


def _still_there(connection: Connection, leaving: Object) -> Object | None:
    """The object as it is now; None where it is gone, or another one has its name."""
    try:
        found = connection.get(key_of(leaving))
    except KindMissing:
        return None
    return found if found and found["metadata"]["uid"] == leaving["metadata"]["uid"] else None


def _held_by(document: Object) -> str:
    holders = ", ".join(document["metadata"].get("finalizers", ())) or "nothing that it reports"
    return f"{key_of(document)} is being deleted, and not gone yet: it is held by {holders}"


#: Whatever lies in them would go, too, whoever made it.
_NEVER = ("Namespace", "CustomResourceDefinition")
#: Pods that a rollout has not replaced yet may still read them.
IN_USE = ("ConfigMap", "Secret")


def prune(
    connection: Connection,
    owned: ClusterInventory,
    entries: Iterable[InventoryEntry],
    pool: Executor,
    *,
    is_dry_run: bool = False,
) -> list[ObjectOutcome]:
    """Delete objects of a model, those that need others first. Raises ClusterError."""

    def delete(entry: InventoryEntry) -> ObjectOutcome:
        return _delete(connection, owned, entry.key, is_dry_run=is_dry_run)

    return [outcome for group in _reversed_ranks(entries) for outcome in pool.map(delete, group)]


def _reversed_ranks(entries: Iterable[InventoryEntry]) -> Iterator[list[InventoryEntry]]:
    ranked: dict[int, list[InventoryEntry]] = {}
    for entry in sorted(entries):
        ranked.setdefault(rank(entry.key), []).append(entry)
    for place in sorted(ranked, reverse=True):
        yield ranked[place]


def _delete(
    connection: Connection, owned: ClusterInventory, key: ObjectKey, *, is_dry_run: bool
) -> ObjectOutcome:
    try:
        live = connection.get(key)
    except KindMissing:
        return ObjectOutcome(key, ObjectAction.DELETED, "its kind is gone, and all objects with it")
    if live is None:
        return ObjectOutcome(key, ObjectAction.DELETED, "it was gone already")
    if key.kind in _NEVER:
        return ObjectOutcome(
            key, ObjectAction.LEFT, "whatever lies in it would go, too: delete it by hand", live=live
        )
    if not belongs_to(live, owned.model, owned.environment):
        return ObjectOutcome(
            key, ObjectAction.LEFT, "it no longer carries the labels of this model", live=live
        )
    if engine := engine_of(live):
        return ObjectOutcome(key, ObjectAction.LEFT, f"{engine} applies it", live=live)
    if not is_dry_run:
        connection.delete(live)
    return ObjectOutcome(key, ObjectAction.DELETED, live=live)


def wait_until_pruned(connection: Connection, outcomes: Iterable[ObjectOutcome], deadline: float) -> None:
    """Wait until what was deleted is gone. Raises NotGone and other ClusterErrors."""
    deleted = (each.live for each in outcomes if each.action is ObjectAction.DELETED)
    wait_until_gone(connection, filter(None, deleted), deadline)


def delete_model(run: ApplyRun, owned: ClusterInventory) -> Applied:
    """Delete what a model owns in an environment, or tell what would be deleted."""
    run = run.of(owned.model, owned.environment)
    started = time.monotonic()
    done = Applied(
        owned.model,
        owned.environment,
        owned.namespace,
        owned.version,
        is_dry_run=run.options.is_dry_run,
        is_removal=True,
    )
    try:
        if not run.options.adopts:
            inventory.require_same_source(owned, run.origin.source)
        if run.options.is_dry_run:
            outcomes = prune(run.connection, owned, owned.entries, run.pool, is_dry_run=True)
            done = replace(done, outcomes=tuple(outcomes))
        else:
            timeout, where = run.options.lock_timeout, (owned.namespace, owned.model, owned.environment)
            with leased(run.connection, *where, timeout=timeout, report=run.report) as hold:
                hold.check()
                done = _deleted(run, owned, done)
    except ClusterError as error:
        done = replace(done, failures=(*done.failures, error))
    return replace(done, seconds=time.monotonic() - started)


def _deleted(run: ApplyRun, owned: ClusterInventory, done: Applied) -> Applied:
    """What is listed now counts, not what was when it was asked for."""
    where = (owned.namespace, owned.model, owned.environment)
    owned = inventory.read(run.connection, *where) or replace(owned, entries=())
    if not run.options.adopts:
        inventory.require_same_source(owned, run.origin.source)
    for hold in owned.holds:
        run.report(f"{hold}; that is forgotten with the model")
    outcomes = prune(run.connection, owned, owned.entries, run.pool)
    done = replace(done, outcomes=tuple(outcomes))
    try:
        if run.options.waits:
            wait_until_pruned(run.connection, outcomes, time.monotonic() + run.options.timeout)
        inventory.forget(run.connection, owned)
    except ClusterError as error:
        return replace(done, failures=(error,))
    return done
