"""Applies a model to an environment by the same steps: lease, compare, note, apply, wait, prune, note.

The order makes a run that is killed at any point one that can be run again. What is to be applied is in
the inventory before it is applied, and what is to be deleted until it is deleted. So nothing is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from aimass_compiler.kubernetes import handover, hold, inventory, moved_model
from aimass_compiler.kubernetes.canary_state import CanaryOutcome, canary_state
from aimass_compiler.kubernetes.connection import AppliedObject, Connection, KindMissing
from aimass_compiler.kubernetes.definitions import defined
from aimass_compiler.kubernetes.delivery_engine import require_no_engine
from aimass_compiler.kubernetes.dry_run import DryRun, dry_run
from aimass_compiler.kubernetes.failures import Changed, ClusterError
from aimass_compiler.kubernetes.handover import Handover
from aimass_compiler.kubernetes.hold import LiftedHold
from aimass_compiler.kubernetes.inventory import AppliedRelease, ClusterInventory, InventoryEntry, entry_of
from aimass_compiler.kubernetes.lease import Lease, ModelLockedError, leased, whoami
from aimass_compiler.kubernetes.objects import DeclaredModel, Object, group_and_version, in_ranks, key_of
from aimass_compiler.kubernetes.pod_images import model_digest
from aimass_compiler.kubernetes.prune import IN_USE, prune, wait_until_pruned
from aimass_compiler.kubernetes.readiness import are_ready, wait
from aimass_compiler.kubernetes.run import Applied, ApplyRun, ObjectAction, ObjectOutcome
from aimass_compiler.render.targets import kind_of

#: A canary moves weights every few seconds at most.
_TRIES = 5


def apply(run: ApplyRun, declared: DeclaredModel) -> Applied:
    """Bring one environment to what is declared of one model, or report what would change."""
    run = run.of(declared.model, declared.environment)
    started = time.monotonic()
    outcomes: list[ObjectOutcome] = []
    failures: list[ClusterError] = []
    is_ready = False
    try:
        _require_kinds(run.connection, declared.objects)
        if run.options.is_dry_run:
            _preview(run, declared, outcomes)
        else:
            is_ready = _apply(run, declared, outcomes)
    except* ClusterError as failed:
        failures += (each for each in failed.exceptions if isinstance(each, ClusterError))
    is_waited = run.options.waits and not run.options.is_dry_run and not failures
    return Applied(
        declared.model,
        declared.environment,
        declared.namespace,
        declared.version,
        tuple(outcomes),
        tuple(failures),
        is_dry_run=run.options.is_dry_run,
        is_ready=is_waited and is_ready,
        is_started=is_waited and not is_ready,
        digest=model_digest(declared.images),
        seconds=time.monotonic() - started,
    )


def _apply(run: ApplyRun, declared: DeclaredModel, outcomes: list[ObjectOutcome]) -> bool:
    """The steps in order; answers whether what serves is ready, not only begun. Raises ClusterErrors.

    `outcomes` grows by each object that is done.
    """
    where = (declared.namespace, declared.model, declared.environment)
    with leased(run.connection, *where, timeout=run.options.lock_timeout, report=run.report) as lease:
        try:
            return _steps(run, declared, lease, outcomes)
        except ModelLockedError:
            _inventory(run, declared)  # who took over to roll back has said so there
            raise


def _steps(run: ApplyRun, declared: DeclaredModel, lease: Lease, outcomes: list[ObjectOutcome]) -> bool:
    before = _inventory(run, declared)
    around = handover.handover_of(run.connection, before, declared)
    handover.allow_second_scaler(run.connection, around)
    compared = _compare(run, around)
    if not run.options.adopts:
        require_no_engine(each.outcome.live for each in compared)
    changed = [each for each in compared if each.changes]
    owned = _note_owned(run, declared, before, is_complete=not changed)
    outcomes += (each.outcome for each in compared if not each.changes)
    _write(run, around, changed, lease, outcomes)
    is_ready = _wait(run, declared, lease)
    lease.check()
    pruned, kept = _prune(run, declared, owned, is_ready=is_ready)
    if around.rollout is not None and not kept:
        handover.show_all_pods(run.connection, around)
    outcomes += pruned
    if run.options.waits:
        wait_until_pruned(run.connection, pruned, time.monotonic() + run.options.timeout)
    _note_complete(run, declared, owned, kept)
    return is_ready


def _preview(run: ApplyRun, declared: DeclaredModel, outcomes: list[ObjectOutcome]) -> None:
    """What would change, as the server answers; nothing is changed, and no lease is needed."""
    before = _inventory(run, declared)
    found, failures = _dry_runs(run, handover.handover_of(run.connection, before, declared))
    outcomes += (each.outcome for each in found)
    if before is not None and run.options.prunes:
        surplus = _undeclared(before, declared)
        outcomes += prune(run.connection, before, surplus, run.pool, is_dry_run=True)
    _raise_all(failures)


def _raise_all(failures: Iterable[ClusterError]) -> None:
    """Raises an ExceptionGroup of them, each message once, where there are any."""
    if distinct := {str(each): each for each in failures}:
        raise ExceptionGroup("the cluster did not do it", list(distinct.values()))


def _require_kinds(connection: Connection, objects: Iterable[Object]) -> None:
    """Raises KindMissing for each kind that the cluster lacks, before anything is touched."""
    missing = []
    for group, version, kind in dict.fromkeys((*group_and_version(each), each["kind"]) for each in objects):
        try:
            defined(connection, group, kind, version)
        except KindMissing as error:
            missing.append(error)
    _raise_all(missing)


def _inventory(run: ApplyRun, declared: DeclaredModel) -> ClusterInventory | None:
    """What the model owns there; before its first apply there, what is held back where it was before.

    Raises Conflict where another repository applied it, and Held where what is declared must not run there.
    """
    found = inventory.read(run.connection, declared.namespace, declared.model, declared.environment)
    if found is None:
        found = moved_model.inventory_with_holds(run, declared)
    if found is None:
        return None
    if not run.options.adopts:
        inventory.require_same_source(found, run.origin.source)
    if not run.options.ignores_holds:
        hold.require_allowed(found.holds, declared.images, declared.model, declared.environment)
    return found


def _dry_runs(run: ApplyRun, around: Handover) -> tuple[list[DryRun], list[ClusterError]]:
    """What applying each object would do, and what the cluster refuses, all of it at once."""
    deadline = time.monotonic() + (0 if run.options.is_dry_run else run.options.timeout)

    def of(document: Object) -> DryRun | ClusterError:
        return dry_run(run.connection, around, document, force=run.options.force, deadline=deadline)

    found = list(run.pool.map(of, around.declared.objects))
    failures = [each for each in found if isinstance(each, ClusterError)]
    return [each for each in found if isinstance(each, DryRun)], failures


def _compare(run: ApplyRun, around: Handover) -> list[DryRun]:
    """What applying would do. Raises ClusterErrors where anything is refused: nothing has been changed."""
    found, failures = _dry_runs(run, around)
    _raise_all(failures)
    return found


def _note_owned(
    run: ApplyRun, declared: DeclaredModel, before: ClusterInventory | None, *, is_complete: bool
) -> ClusterInventory:
    """Have everything in the inventory that will be applied, beside what was, and that it has begun."""
    owned = before or ClusterInventory(declared.model, declared.environment, declared.namespace)
    keys = [*map(key_of, declared.objects), *(entry.key for entry in owned.entries)]
    # Who applies may read Rollouts only where the model has one.
    may_be = not is_complete and any(kind_of(key.group, key.kind).has_steps for key in keys)
    canary = canary_state(run.connection, declared.namespace, declared.model) if may_be else None
    is_stable = canary is None or canary.ending is CanaryOutcome.TOOK_OVER
    noted = owned.releasing(AppliedRelease(declared.version, declared.images), is_stable=is_stable)
    is_complete = is_complete and owned.is_complete and noted.release == owned.release
    commit = owned.commit if is_complete else run.origin.commit
    ours = replace(noted, source=run.origin.source, commit=commit, is_complete=is_complete)
    return _noted(run, owned, ours.having([*owned.entries, *map(entry_of, declared.objects)]))


def _note_complete(
    run: ApplyRun, declared: DeclaredModel, owned: ClusterInventory, kept: Iterable[InventoryEntry]
) -> ClusterInventory:
    """The inventory of an apply that came to its end: what is declared, and what is kept beside it."""
    complete = replace(
        _without_lifted(run, declared, owned).having([*kept, *map(entry_of, declared.objects)]),
        is_complete=True,
        digest=declared.digest,
        commit=run.origin.commit,
        source=run.origin.source,
    )
    return _noted(run, owned, complete)


def _without_lifted(run: ApplyRun, declared: DeclaredModel, owned: ClusterInventory) -> ClusterInventory:
    """The inventory without holds that git, or who applies, has lifted; that others stay is reported."""
    at = run.connection.now().isoformat(timespec="seconds")
    for each in owned.holds:
        if hold.is_lifted(each, declared.images, run.origin.is_after):
            reason = f"git has {declared.version}"
        elif each.forbids(declared.images):
            reason = "--ignore-hold"
        else:
            run.report(f"{each}; that stays, as this is no commit after {each.commit[:12]}, which brought it")
            continue
        run.report(f"the hold is lifted ({reason}): {each}")
        lifted = LiftedHold(hold=each, by=whoami(), at=at, reason=reason)
        owned = replace(owned, holds=tuple(other for other in owned.holds if other != each), lifted=lifted)
    return owned


def _noted(run: ApplyRun, before: ClusterInventory, after: ClusterInventory) -> ClusterInventory:
    """The inventory as it is kept; one that says the same is not written again."""
    if before.resource_version and before == after:
        return before
    return inventory.write(run.connection, after)


def _write(
    run: ApplyRun, around: Handover, changed: Sequence[DryRun], lease: Lease, outcomes: list[ObjectOutcome]
) -> None:
    """Apply what would change, rank by rank; where something fails, what needs it is left alone."""
    by_key = {each.outcome.key: each for each in changed}

    def written(document: Object) -> ObjectOutcome | ClusterError:
        found = by_key[key_of(document)]
        try:
            merged = _write_object(run, around, found)
        except ClusterError as error:
            return error
        return replace(found.outcome, merged=merged.document)

    if around.rollout is not None:
        handover.keep_scaled(run.connection, around.rollout)
    for group in in_ranks(each.document for each in changed):
        lease.confirm()
        answers = list(run.pool.map(written, group))
        outcomes += (each for each in answers if isinstance(each, ObjectOutcome))
        _raise_all(each for each in answers if isinstance(each, ClusterError))


def _write_object(run: ApplyRun, around: Handover, found: DryRun) -> AppliedObject:
    """Apply an object in steps that keep its servers and what others write into it. Raises ClusterError."""
    connection, document = run.connection, found.document
    force = run.options.force or found.is_forced
    if around.is_shared(document):
        return _write_shared(connection, around, document, force=force)
    if found.replicas is None:
        return connection.apply(document, force=force)
    if found.outcome.live is None:
        made = connection.apply(_with_replicas(document, found.replicas), force=force)
        handover.set_replicas(connection, made.document, found.replicas)
    else:
        handover.set_replicas(connection, found.outcome.live, found.replicas)
    return connection.apply(document, force=force)


def _with_replicas(document: Object, replicas: int) -> dict[str, Any]:
    return {**document, "spec": {**document["spec"], "replicas": replicas}}


def _write_shared(
    connection: Connection, around: Handover, document: Object, *, force: bool
) -> AppliedObject:
    """Apply an object with what Argo Rollouts has in it now, not a moment ago."""
    for last in range(_TRIES):
        live = connection.get(key_of(document))
        wanted = handover.with_written(document, live, around.services)
        if live is not None:
            version = live["metadata"]["resourceVersion"]
            wanted = {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": version}}
        try:
            return connection.apply(wanted, force=force)
        except Changed:
            if last == _TRIES - 1:
                raise
    raise AssertionError  # the loop returns or raises


def _wait(run: ApplyRun, declared: DeclaredModel, lease: Lease) -> bool:
    """Wait until what serves is ready, then let rest what it took the place of. Raises NotReady.

    Answers whether it is ready; of a canary that goes on by itself it only has begun.
    """
    if not run.options.waits:
        return False
    is_ready = wait(
        run.connection,
        declared.objects,
        lease.check,
        timeout=run.options.timeout,
        report=run.report,
        until_ended=run.options.waits_for_canaries,
    )
    handover.scale_down_replaced(run.connection, declared.objects)
    return is_ready


def _undeclared(owned: ClusterInventory, declared: DeclaredModel) -> list[InventoryEntry]:
    wanted = set(map(key_of, declared.objects))
    return [entry for entry in owned.entries if entry.key not in wanted]


def _prune(
    run: ApplyRun, declared: DeclaredModel, owned: ClusterInventory, *, is_ready: bool
) -> tuple[list[ObjectOutcome], list[InventoryEntry]]:
    """Delete what is declared no longer; answers what still is owned beside what is declared, too."""
    surplus = _undeclared(owned, declared)
    kept, reason = _kept(run, declared, surplus, is_ready=is_ready)
    left = [ObjectOutcome(entry.key, ObjectAction.LEFT, reason) for entry in kept]
    gone = prune(run.connection, owned, [entry for entry in surplus if entry not in kept], run.pool)
    return [*gone, *left], kept


def _kept(
    run: ApplyRun, declared: DeclaredModel, surplus: list[InventoryEntry], *, is_ready: bool
) -> tuple[list[InventoryEntry], str]:
    """What of the surplus must stay for now, and why."""
    if not run.options.prunes:
        return surplus, "--no-prune leaves it"
    if is_ready:
        return [], ""
    has_rollout = any(kind_of(entry.key.group, entry.key.kind).has_steps for entry in surplus)
    if has_rollout and not are_ready(run.connection, declared.objects):
        return surplus, "its pods serve until others do; the next run that waits deletes it"
    in_use = [entry for entry in surplus if entry.key.kind in IN_USE]
    return in_use, "pods may still use it; the next run that waits deletes it"
