"""Removes a model from an environment: exactly what its inventory lists, then the inventory."""

from __future__ import annotations

import time
from dataclasses import replace

from aimass_compiler.cluster import owned as inventory
from aimass_compiler.cluster.applying import Work
from aimass_compiler.cluster.failures import ClusterError
from aimass_compiler.cluster.lease import held
from aimass_compiler.cluster.outcomes import Applied
from aimass_compiler.cluster.owned import Owned
from aimass_compiler.cluster.pruning import prune, wait_until_pruned


def remove(work: Work, owned: Owned) -> Applied:
    """Delete what a model owns in an environment, or tell what would be deleted."""
    work = work.of(owned.model, owned.environment)
    started = time.monotonic()
    done = Applied(
        owned.model,
        owned.environment,
        owned.namespace,
        owned.version,
        is_dry_run=work.wish.is_dry_run,
        is_removal=True,
    )
    try:
        if not work.wish.adopts:
            inventory.hold_apart(owned, work.origin.source)
        if work.wish.is_dry_run:
            outcomes = prune(work.connection, owned, owned.entries, work.pool, is_dry_run=True)
            done = replace(done, outcomes=tuple(outcomes))
        else:
            timeout, where = work.wish.lock_timeout, (owned.namespace, owned.model, owned.environment)
            with held(work.connection, *where, timeout=timeout, tell=work.tell) as hold:
                hold.check()
                done = _removed(work, owned, done)
    except ClusterError as error:
        done = replace(done, failures=(*done.failures, error))
    return replace(done, seconds=time.monotonic() - started)


def _removed(work: Work, owned: Owned, done: Applied) -> Applied:
    """What is listed now counts, not what was when it was asked for."""
    where = (owned.namespace, owned.model, owned.environment)
    owned = inventory.read(work.connection, *where) or replace(owned, entries=())
    if not work.wish.adopts:
        inventory.hold_apart(owned, work.origin.source)
    outcomes = prune(work.connection, owned, owned.entries, work.pool)
    done = replace(done, outcomes=tuple(outcomes))
    try:
        if work.wish.waits:
            wait_until_pruned(work.connection, outcomes, time.monotonic() + work.wish.timeout)
        inventory.forget(work.connection, owned)
    except ClusterError as error:
        return replace(done, failures=(error,))
    return done
