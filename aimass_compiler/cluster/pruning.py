"""Deletes what a model owns and no longer declares, and nothing that is not its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor

from aimass_compiler.cluster.connection import Connection
from aimass_compiler.cluster.kinds import KindMissing
from aimass_compiler.cluster.objects import ObjectKey, belongs_to, rank
from aimass_compiler.cluster.outcomes import Action, Outcome
from aimass_compiler.cluster.owned import Entry, Owned
from aimass_compiler.cluster.waiting import NotReady

#: Whatever lies in them would go, too, whoever made it.
_NEVER = ("Namespace", "CustomResourceDefinition")
#: Pods that a rollout has not replaced yet may still read them.
IN_USE = ("ConfigMap", "Secret")
_PAUSE = 0.3


def prune(
    connection: Connection,
    owned: Owned,
    entries: Iterable[Entry],
    pool: Executor,
    *,
    is_dry_run: bool = False,
) -> list[Outcome]:
    """Delete objects of a model, those that need others first. Raises ClusterError."""

    def delete(entry: Entry) -> Outcome:
        return _delete(connection, owned, entry.key, is_dry_run=is_dry_run)

    return [outcome for group in _reversed_ranks(entries) for outcome in pool.map(delete, group)]


def _reversed_ranks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    ranked: dict[int, list[Entry]] = {}
    for entry in sorted(entries):
        ranked.setdefault(rank(entry.key.kind), []).append(entry)
    for place in sorted(ranked, reverse=True):
        yield ranked[place]


def _delete(connection: Connection, owned: Owned, key: ObjectKey, *, is_dry_run: bool) -> Outcome:
    try:
        live = connection.get(key)
    except KindMissing:
        return Outcome(key, Action.DELETED, "its kind is gone, and all objects with it")
    if live is None:
        return Outcome(key, Action.DELETED, "it was gone already")
    if key.kind in _NEVER:
        return Outcome(key, Action.LEFT, "whatever lies in it would go, too: delete it by hand", live=live)
    if not belongs_to(live, owned.model, owned.environment):
        return Outcome(key, Action.LEFT, "it no longer carries the labels of this model", live=live)
    if not is_dry_run:
        connection.delete(live)
    return Outcome(key, Action.DELETED, live=live)


def wait_until_gone(connection: Connection, outcomes: Sequence[Outcome], deadline: float) -> None:
    """Wait until what was deleted is gone. Raises NotReady, which says what holds it."""
    waiting = [each for each in outcomes if each.action is Action.DELETED and each.live is not None]
    while True:
        waiting = [outcome for outcome in waiting if _holders(connection, outcome) is not None]
        if not waiting:
            return
        if time.monotonic() > deadline:
            told = "; ".join(
                f"{each.key} ({_holders(connection, each) or 'no finalizer'})" for each in waiting
            )
            raise NotReady(
                f"not gone yet: {told}", "its finalizers let it go when their work is done; then run it again"
            )
        time.sleep(_PAUSE)


def _holders(connection: Connection, outcome: Outcome) -> str | None:
    """The finalizers of a deleted object that is still there; None where it is gone, or another one."""
    assert outcome.live is not None  # noqa: S101  # only such outcomes are waited for
    try:
        found = connection.get(outcome.key)
    except KindMissing:
        return None
    if found is None or found["metadata"]["uid"] != outcome.live["metadata"]["uid"]:
        return None
    return ", ".join(found["metadata"].get("finalizers", ()))
