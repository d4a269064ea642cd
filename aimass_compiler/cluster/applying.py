"""Applies a model to an environment: look, note what is owned, apply, wait, prune, note again.

The order makes a run that is killed at any moment one that can be run again. What is to be applied stands in
the inventory before it is applied, and what is to be deleted until it is deleted. So nothing is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from aimass_compiler.cluster import handover
from aimass_compiler.cluster import owned as inventory
from aimass_compiler.cluster.connection import Connection
from aimass_compiler.cluster.failures import ClusterError
from aimass_compiler.cluster.handover import Handover
from aimass_compiler.cluster.kinds import KindMissing
from aimass_compiler.cluster.lease import Hold, held
from aimass_compiler.cluster.looking import Look, look
from aimass_compiler.cluster.objects import Declared, Object, group_and_version, in_ranks, key_of
from aimass_compiler.cluster.outcomes import Action, Applied, Outcome
from aimass_compiler.cluster.owned import Entry, Owned, entry_of
from aimass_compiler.cluster.pruning import IN_USE, prune, wait_until_pruned
from aimass_compiler.cluster.staged_apply import write
from aimass_compiler.cluster.transport import Tell
from aimass_compiler.cluster.waiting import are_ready, wait


@dataclass(frozen=True)
class Wish:
    """How to apply, as the command's options have it."""

    force: bool = False
    is_dry_run: bool = False
    prunes: bool = True
    waits: bool = True
    timeout: float = 600.0
    """Seconds for what serves to get ready, and again for what is deleted to be gone."""
    lock_timeout: float = 600.0
    """Seconds to wait for another run that works on the same model."""
    adopts: bool = False
    """Whether to take over what another repository applied."""


@dataclass(frozen=True)
class Origin:
    """Where what is applied comes from, as far as git tells."""

    commit: str = ""
    source: str = ""


@dataclass(frozen=True)
class Work:
    """What all models of a run share."""

    connection: Connection
    pool: Executor
    """Runs requests side by side."""
    wish: Wish
    origin: Origin
    tell: Tell

    def of(self, model: str, environment: str) -> Work:
        """The same for one model: its lines say so."""
        return replace(self, tell=lambda line: self.tell(f"{model} in {environment}: {line}"))


def apply(work: Work, declared: Declared) -> Applied:
    """Bring one environment to what is declared of one model, or tell what would change."""
    work = work.of(declared.model, declared.environment)
    started = time.monotonic()
    done = Applied(
        declared.model,
        declared.environment,
        declared.namespace,
        declared.version,
        is_dry_run=work.wish.is_dry_run,
    )
    try:
        missing = _missing_kinds(work.connection, declared.objects)
        if missing:
            return replace(done, failures=missing)
        if work.wish.is_dry_run:
            done = _tried(work, declared, done)
        else:
            timeout = work.wish.lock_timeout
            where = (declared.namespace, declared.model, declared.environment)
            with held(work.connection, *where, timeout=timeout, tell=work.tell) as hold:
                done = _applied(work, declared, done, hold)
    except ClusterError as error:
        done = replace(done, failures=(*done.failures, error))
    return replace(done, seconds=time.monotonic() - started)


def _missing_kinds(connection: Connection, objects: Iterable[Object]) -> tuple[ClusterError, ...]:
    """A failure for each kind that the cluster lacks, before anything is touched."""
    kinds = dict.fromkeys((*group_and_version(each), each["kind"]) for each in objects)
    failures: dict[str, ClusterError] = {}
    for group, version, kind in kinds:
        try:
            connection.resource(group, kind, version)
        except KindMissing as error:
            failures[str(error)] = error
    return tuple(failures.values())


def _looks(work: Work, around: Handover) -> tuple[list[Look], tuple[ClusterError, ...]]:
    """What applying each object would do, and what the cluster would not take, all of it at once."""
    deadline = time.monotonic() + (0 if work.wish.is_dry_run else work.wish.timeout)

    def seen(document: Object) -> Look | ClusterError:
        return look(work.connection, around, document, force=work.wish.force, deadline=deadline)

    found = list(work.pool.map(seen, around.declared.objects))
    failures = {str(each): each for each in found if isinstance(each, ClusterError)}
    return [each for each in found if isinstance(each, Look)], tuple(failures.values())


def _tried(work: Work, declared: Declared, done: Applied) -> Applied:
    """What would change, as the server answers; nothing is changed, and no lease is needed."""
    old = inventory.read(work.connection, declared.namespace, declared.model, declared.environment)
    _hold_apart(work, old)
    looks, failures = _looks(work, handover.between(work.connection, old, declared))
    outcomes = [each.outcome for each in looks]
    if old is not None and work.wish.prunes:
        outcomes += prune(work.connection, old, _undeclared(old, declared), work.pool, is_dry_run=True)
    return replace(done, outcomes=tuple(outcomes), failures=failures)


def _hold_apart(work: Work, old: Owned | None) -> None:
    """Raises Conflict for a model that another repository applied, unless it is to be taken over."""
    if old is not None and not work.wish.adopts:
        inventory.hold_apart(old, work.origin.source)


def _applied(work: Work, declared: Declared, done: Applied, hold: Hold) -> Applied:
    old = inventory.read(work.connection, declared.namespace, declared.model, declared.environment)
    _hold_apart(work, old)
    around = handover.between(work.connection, old, declared)
    looks, failures = _looks(work, around)
    if failures:
        return replace(done, failures=failures)  # nothing has been changed
    new = [entry_of(document) for document in declared.objects]
    owned = old or Owned(declared.model, declared.environment, declared.namespace)
    ours = replace(owned, source=work.origin.source)
    owned = _noted(work, owned, ours.having([*owned.entries, *new]))
    outcomes, failures = _written(work, around, looks, hold)
    done = replace(done, outcomes=tuple(outcomes), failures=failures)
    if failures:
        return done
    try:
        if work.wish.waits:
            wait(work.connection, declared.objects, hold, timeout=work.wish.timeout, tell=work.tell)
            handover.retire(work.connection, declared.objects)
            done = replace(done, is_ready=True)
        hold.check()
        pruned, kept = _pruned(work, declared, owned)
        done = replace(done, outcomes=(*done.outcomes, *pruned))
        if work.wish.waits:
            wait_until_pruned(work.connection, pruned, time.monotonic() + work.wish.timeout)
        _noted(work, owned, _complete(work.origin, declared, owned.having([*kept, *new])))
    except ClusterError as error:
        return replace(done, failures=(error,))
    return done


def _noted(work: Work, before: Owned, after: Owned) -> Owned:
    """The inventory as it is kept; one that says the same is not written again."""
    if before.resource_version and before == after:
        return before
    return inventory.write(work.connection, after)


def _complete(origin: Origin, declared: Declared, owned: Owned) -> Owned:
    """The inventory of an apply that came to its end."""
    return replace(
        owned,
        version=declared.version,
        digest=declared.digest,
        commit=origin.commit,
        source=origin.source,
    )


def _written(
    work: Work, around: Handover, looks: Sequence[Look], hold: Hold
) -> tuple[list[Outcome], tuple[ClusterError, ...]]:
    """Apply what would change, rank by rank; where something fails, what needs it is left alone."""
    by_key = {each.outcome.key: each for each in looks if each.outcome.action is not Action.UNCHANGED}
    outcomes = [each.outcome for each in looks if each.outcome.action is Action.UNCHANGED]

    def written(document: Object) -> Outcome | ClusterError:
        found = by_key[key_of(document)]
        try:
            merged = write(work.connection, around, found, force=work.wish.force)
        except ClusterError as error:
            return error
        return replace(found.outcome, merged=merged.document)

    try:
        if around.rollout is not None:
            handover.detach(work.connection, around.rollout)
    except ClusterError as error:
        return outcomes, (error,)
    for group in in_ranks(each.document for each in by_key.values()):
        hold.check()
        answers = list(work.pool.map(written, group))
        outcomes += [each for each in answers if isinstance(each, Outcome)]
        failures = {str(each): each for each in answers if isinstance(each, ClusterError)}
        if failures:
            return outcomes, tuple(failures.values())
    return outcomes, ()


def _undeclared(owned: Owned, declared: Declared) -> list[Entry]:
    wanted = set(map(key_of, declared.objects))
    return [entry for entry in owned.entries if entry.key not in wanted]


def _pruned(work: Work, declared: Declared, owned: Owned) -> tuple[list[Outcome], list[Entry]]:
    """Delete what is declared no longer; answers what still is owned beside what is declared, too."""
    surplus = _undeclared(owned, declared)
    if not work.wish.prunes:
        left = [Outcome(entry.key, Action.LEFT, "--no-prune leaves it") for entry in surplus]
        return left, surplus
    kept = [] if work.wish.waits else [entry for entry in surplus if entry.key.kind in IN_USE]
    reason = "pods may still use it; the next run that waits deletes it"
    has_rollout = any(entry.key.kind == "Rollout" for entry in surplus)
    if has_rollout and not work.wish.waits and not are_ready(work.connection, declared.objects):
        kept, reason = surplus, "its pods serve until others do; the next run that waits deletes it"
    left = [Outcome(entry.key, Action.LEFT, reason) for entry in kept]
    gone = prune(work.connection, owned, [entry for entry in surplus if entry not in kept], work.pool)
    return [*gone, *left], kept
