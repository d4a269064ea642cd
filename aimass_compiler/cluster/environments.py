"""Brings environments to what generated/ holds: models side by side, environments one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aimass_compiler.cluster import owned as inventory
from aimass_compiler.cluster.applying import Origin, Wish, Work, apply
from aimass_compiler.cluster.connection import Connection
from aimass_compiler.cluster.failures import ClusterError
from aimass_compiler.cluster.kustomize import Kustomize, KustomizeError, find
from aimass_compiler.cluster.objects import Declared, declared, declared_together
from aimass_compiler.cluster.outcomes import Applied
from aimass_compiler.cluster.owned import Owned
from aimass_compiler.cluster.removing import remove
from aimass_compiler.cluster.transport import AT_ONCE, Tell

#: Models that are applied at once; most of the time they wait for what serves to get ready.
_MODELS_AT_ONCE = 32
_BUILDS_AT_ONCE = 4
#: Overlays that one run of kustomize builds: more of them take longer than several runs side by side.
_BUILT_TOGETHER = 12

Builds = Mapping[tuple[str, str], "Future[Declared]"]


@dataclass(frozen=True)
class Target:
    """One environment, and what it is to be brought to."""

    environment: str
    namespace: str
    models: tuple[str, ...]
    is_whole: bool
    """Whether these are all models, so that what git no longer has is removed."""


@contextmanager
def building(generated: Path, targets: Iterable[Target]) -> Iterator[Builds]:
    """The overlays of all targets, while kustomize builds them in the background. Raises KustomizeError."""
    kustomize = find()
    pairs = [(model, target.environment) for target in targets for model in target.models]
    with ThreadPoolExecutor(_BUILDS_AT_ONCE) as pool:
        shares = [pairs[start : start + _BUILT_TOGETHER] for start in range(0, len(pairs), _BUILT_TOGETHER)]
        # All of them come before what waits for them, so that no two wait for each other.
        started = [pool.submit(declared_together, kustomize, generated, share) for share in shares]
        yield {
            pair: pool.submit(_built, together, kustomize, generated, pair)
            for share, together in zip(shares, started, strict=True)
            for pair in share
        }


def _built(
    together: Future[dict[tuple[str, str], Declared]],
    kustomize: Kustomize,
    generated: Path,
    pair: tuple[str, str],
) -> Declared:
    """One of the overlays that are built together; alone where that failed, to tell its own failure."""
    try:
        return together.result()[pair]
    except (KustomizeError, ClusterError):
        return declared(kustomize, generated, *pair)


@contextmanager
def working(connection: Connection, wish: Wish, origin: Origin, tell: Tell) -> Iterator[Work]:
    """What all models of a run share, while it runs."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield Work(connection, pool, wish, origin, tell)


def bring(work: Work, targets: Sequence[Target], builds: Builds) -> Iterator[Applied]:
    """What became of each model, environment by environment.

    One that failed ends it: what does not work in dev does not go on to prod. Where nothing is waited for,
    all environments are brought side by side.
    """
    with ThreadPoolExecutor(_MODELS_AT_ONCE) as pool:
        started = [_started(work, target, builds, pool) for target in targets] if not work.wish.waits else []
        for place, target in enumerate(targets):
            results = started[place] if started else _started(work, target, builds, pool)
            has_failed = False
            for result in results:
                done = result.result()
                has_failed = has_failed or bool(done.failures)
                yield done
            yield from _removals(work, target, has_failed=has_failed)
            if has_failed and work.wish.waits:
                if rest := [each.environment for each in targets[place + 1 :]]:
                    work.tell(f"not touched, because {target.environment} failed: {', '.join(rest)}")
                return


def _started(work: Work, target: Target, builds: Builds, pool: ThreadPoolExecutor) -> list[Future[Applied]]:
    return [
        pool.submit(_one, work, target, model, builds[model, target.environment]) for model in target.models
    ]


def _one(work: Work, target: Target, model: str, build: Future[Declared]) -> Applied:
    try:
        found = build.result()
    except (KustomizeError, ClusterError) as error:
        failed = error if isinstance(error, ClusterError) else ClusterError(str(error))
        return Applied(model, target.environment, target.namespace, "", failures=(failed,))
    return apply(work, found)


def _removals(work: Work, target: Target, *, has_failed: bool) -> Iterator[Applied]:
    """Remove the models of this repository that git no longer has, once those that it has are applied."""
    if not target.is_whole or not work.wish.prunes:
        return
    try:
        surplus = _no_longer_declared(work, target)
    except ClusterError as error:
        yield Applied("", target.environment, target.namespace, "", failures=(error,), is_removal=True)
        return
    if not surplus:
        return
    names = ", ".join(f"`{each.model}`" for each in surplus)
    if has_failed:
        work.tell(f"{target.environment}: {names} left, because others failed; git no longer has them")
        return
    would = "would be removed" if work.wish.is_dry_run else "are removed"
    work.tell(f"{target.environment}: git no longer has {names}; they {would}")
    for each in surplus:
        yield remove(work, each)


def orphans(work: Work, targets: Iterable[Target]) -> list[Owned]:
    """What this repository applied for these environments in other namespaces."""
    found = []
    for target in targets:
        found += inventory.elsewhere(
            work.connection, target.environment, target.namespace, work.origin.source
        )
    return found


def _no_longer_declared(work: Work, target: Target) -> list[Owned]:
    """Models that this repository applied there, by its address, and that it no longer has."""
    if not work.origin.source:
        return []
    found = inventory.listed(work.connection, target.environment, target.namespace)
    return [each for each in found if each.source == work.origin.source and each.model not in target.models]
