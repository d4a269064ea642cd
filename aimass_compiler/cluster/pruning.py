"""Deletes what a model owns and no longer declares, and nothing that is not its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor

from aimass_compiler.cluster.connection import Connection
from aimass_compiler.cluster.kinds import KindMissing
from aimass_compiler.cluster.leaving import wait_until_gone
from aimass_compiler.cluster.objects import ObjectKey, belongs_to, rank
from aimass_compiler.cluster.outcomes import Action, Outcome
from aimass_compiler.cluster.owned import Entry, Owned

#: Whatever lies in them would go, too, whoever made it.
_NEVER = ("Namespace", "CustomResourceDefinition")
#: Pods that a rollout has not replaced yet may still read them.
IN_USE = ("ConfigMap", "Secret")


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


def wait_until_pruned(connection: Connection, outcomes: Iterable[Outcome], deadline: float) -> None:
    """Wait until what was deleted is gone. Raises NotGone and other ClusterErrors."""
    deleted = (each.live for each in outcomes if each.action is Action.DELETED)
    wait_until_gone(connection, filter(None, deleted), deadline)
