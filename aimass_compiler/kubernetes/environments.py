"""Applies every model of environments in their order, and removes what git no longer has.

Each model goes on by itself: one that failed in an environment stops there, and stops no other one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from aimass_compiler.kubernetes import inventory
from aimass_compiler.kubernetes.apply import apply
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.inventory import ClusterInventory
from aimass_compiler.kubernetes.objects import Builds, DeclaredModel, EnvironmentTarget
from aimass_compiler.kubernetes.prune import delete_model
from aimass_compiler.kubernetes.run import Applied, ApplyOptions, ApplyRun, GitOrigin
from aimass_compiler.kubernetes.transport import AT_ONCE, Report
from aimass_compiler.model_path import name_of
from aimass_compiler.programs.kustomize import KustomizeError

#: Models that are applied at once; most of the time they wait for what serves to get ready.
_MODELS_AT_ONCE = 32


@contextmanager
def open_run(
    connection: Connection, options: ApplyOptions, origin: GitOrigin, report: Report
) -> Iterator[ApplyRun]:
    """What all models of a run share, while it runs."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield ApplyRun(connection, pool, options, origin, report)


def apply_all(run: ApplyRun, targets: Sequence[EnvironmentTarget], builds: Builds) -> Iterator[Applied]:
    """What became of each model, environment by environment.

    A model that failed goes no further, and stops no other one: what does not work in dev does not go on
    to prod. So that a slow model holds up no other, each goes on by itself.
    """
    with ThreadPoolExecutor(_MODELS_AT_ONCE) as pool:
        started: list[list[Future[Applied]]] = []
        last: dict[str, Future[Applied]] = {}
        # An earlier environment's come first in the pool, so that who waits for one never keeps it out.
        for target in targets:
            here = {
                model: pool.submit(
                    _apply_next, run, target, model, builds[model, target.environment], last.get(model)
                )
                for model in target.models
            }
            started.append(list(here.values()))
            last |= here
        failed: set[str] = set()
        for target, results in zip(targets, started, strict=True):
            for result in results:
                done = result.result()
                failed |= {done.model} if done.failures else set()
                yield done
            yield from _removals(run, target, failed)


def _apply_next(
    run: ApplyRun,
    target: EnvironmentTarget,
    model: str,
    build: Future[DeclaredModel],
    previous: Future[Applied] | None,
) -> Applied:
    """One model in one environment, once it is applied to the one before."""
    before = previous.result() if previous is not None and not run.options.is_dry_run else None
    if before is not None and (before.failures or before.skipped):
        place = before.skipped or f"it failed in {before.environment}"
        run.report(f"{model} in {target.environment}: not touched, because {place}")
        return Applied(model, target.environment, target.namespace, "", skipped=place)
    try:
        found = build.result()
    except (KustomizeError, ClusterError) as error:
        failed = error if isinstance(error, ClusterError) else ClusterError(str(error))
        return Applied(model, target.environment, target.namespace, "", failures=(failed,))
    return apply(run, found)


def _removals(run: ApplyRun, target: EnvironmentTarget, failed: Collection[str]) -> Iterator[Applied]:
    """Remove the models of this repository that git no longer has, once those that it has are applied."""
    if not target.is_whole or not run.options.prunes:
        return
    try:
        found = inventory.listed(run.connection, target.environment, target.namespace)
    except ClusterError as error:
        yield Applied("", target.environment, target.namespace, "", failures=(error,), is_removal=True)
        return
    surplus = _no_longer_declared(run, target, found)
    if not surplus:
        return
    names = ", ".join(f"`{each.model}`" for each in surplus)
    if new := sorted(set(failed) - {each.model for each in found if each.digest}):
        run.report(f"{target.environment}: git no longer has {names}; left, as `{new[0]}` never served yet")
        return
    would = "would be removed" if run.options.is_dry_run else "are removed"
    run.report(f"{target.environment}: git no longer has {names}; they {would}")
    for each in surplus:
        yield delete_model(run, each)


def _no_longer_declared(
    run: ApplyRun, target: EnvironmentTarget, found: Iterable[ClusterInventory]
) -> list[ClusterInventory]:
    """Models that this repository applied there, by its address, and that it no longer has."""
    if not run.origin.source:
        return []
    # By the names that they have in a namespace, so that a model that moved to a team is none that is gone.
    known = {*map(name_of, (*target.models, *target.current))}
    return [each for each in found if each.source == run.origin.source and name_of(each.model) not in known]


def orphans(run: ApplyRun, targets: Iterable[EnvironmentTarget]) -> list[ClusterInventory]:
    """What this repository applied for these environments in other namespaces."""
    namespaces: dict[str, set[str]] = {}
    for target in targets:
        namespaces.setdefault(target.environment, set()).add(target.namespace)
    return [
        each
        for environment, known in namespaces.items()
        for each in inventory.elsewhere(run.connection, environment, known, run.origin.source)
    ]
