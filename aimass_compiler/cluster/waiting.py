"""Waits until what serves is ready, tells how far it is, and why it does not get there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aimass_compiler.cluster import reasons
from aimass_compiler.cluster.connection import Connection
from aimass_compiler.cluster.failures import ClusterError
from aimass_compiler.cluster.lease import Hold
from aimass_compiler.cluster.objects import Object, ObjectKey, key_of
from aimass_compiler.cluster.replicas import deployment_of, desired, least, scaled_by
from aimass_compiler.cluster.transport import Tell
from aimass_compiler.conventions import ExitCode

_PAUSE = 1.0
#: What looks hopeless for so long is given up: it may be a registry, or a quota, that recovers.
_GRACE = 30.0


class NotReady(ClusterError):  # noqa: N818  # it reads as what is the case
    """What was applied is not ready in time, or cannot get ready."""

    exit_code = ExitCode.NOT_READY


@dataclass(frozen=True)
class State:
    """How far a workload is."""

    told: str
    is_ready: bool = False
    has_failed: bool = False


def _deployment(live: Object, fewest: int) -> State:
    """Source: the rules of `kubectl rollout status` (polymorphichelpers/rollout_status.go)."""
    status = live.get("status") or {}
    wanted = desired(live)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    old = status.get("replicas", 0) - updated
    if live["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return State("its controller has not seen it yet")
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "ProgressDeadlineExceeded":
            return State(f"its deadline has passed: {available} of {wanted} are available", has_failed=True)
    left = (
        (updated < wanted, f"{updated} of {wanted} are new"),
        (old > 0, f"{old} old to end"),
        (available < updated, f"{available} of {updated} are available"),
        (available < fewest, f"{available} of at least {fewest} are available"),
    )
    told = next((words for is_so, words in left if is_so), "")
    return State(told or f"{available} of {wanted} are available", is_ready=not told)


def _rollout(live: Object, fewest: int) -> State:
    """Source: https://argo-rollouts.readthedocs.io/en/stable/features/kubectl-plugin (phases)."""
    status = live.get("status") or {}
    phase, message = status.get("phase", ""), status.get("message") or ""
    told = f"{phase}: {message}" if message else phase
    if str(live["metadata"].get("generation", 0)) != str(status.get("observedGeneration", "")) or not phase:
        return State("its controller has not seen it yet")
    if phase == "Paused":
        name, namespace = live["metadata"]["name"], live["metadata"]["namespace"]
        return State(f"{told}; `kubectl argo rollouts promote {name} -n {namespace}` goes on")
    available = status.get("availableReplicas", 0)
    if phase == "Healthy" and available < fewest:
        return State(f"{available} of at least {fewest} are available")
    return State(told, is_ready=phase == "Healthy", has_failed=phase == "Degraded")


_KINDS: Mapping[tuple[str, str], Callable[[Object, int], State]] = {
    ("apps", "Deployment"): _deployment,
    ("argoproj.io", "Rollout"): _rollout,
}


def is_workload(key: ObjectKey) -> bool:
    """Whether an object of this kind gets ready."""
    return (key.group, key.kind) in _KINDS


def state_of(live: Object, fewest: int) -> State:
    """How far a workload is that needs so many servers at least."""
    if desired(live) == 0 and fewest > 0:
        by = scaled_by(live)
        who = f" by `{by.name}`" if by is not None else ""
        return State(f"it was scaled to 0{who}, and no autoscaler starts again from 0", has_failed=True)
    key = key_of(live)
    return _KINDS[key.group, key.kind](live, fewest)


def wait(
    connection: Connection, objects: Iterable[Object], hold: Hold, *, timeout: float, tell: Tell
) -> None:
    """Wait until every workload is ready. Raises NotReady with the reason, Locked, and ClusterError."""
    listed = list(objects)
    deadline = time.monotonic() + timeout
    for document in listed:
        if is_workload(key_of(document)):
            fewest = least(document, listed)
            _wait_for(connection, key_of(document), fewest, hold, deadline=deadline, tell=tell)


def are_ready(connection: Connection, objects: Iterable[Object]) -> bool:
    """Whether every workload is ready now. Raises ClusterError."""
    listed = list(objects)
    wanted = [(key_of(each), least(each, listed)) for each in listed if is_workload(key_of(each))]
    found = [(connection.get(key), fewest) for key, fewest in wanted]
    return all(live is not None and _seen_state(connection, live, fewest).is_ready for live, fewest in found)


def _seen_state(connection: Connection, live: Object, fewest: int) -> State:
    """The state, unless a Rollout has not seen yet that the Deployment has changed whose pods it runs."""
    state = state_of(live, fewest)
    key = deployment_of(live)
    deployment = connection.get(key) if key is not None and state.is_ready else None
    if deployment is None:
        return state
    seen = str((live.get("status") or {}).get("workloadObservedGeneration", ""))
    is_seen = seen in {"", str(deployment["metadata"]["generation"])}
    return state if is_seen else State("its controller has not seen the Deployment's change yet")


def _wait_for(
    connection: Connection, key: ObjectKey, fewest: int, hold: Hold, *, deadline: float, tell: Tell
) -> None:
    told, stuck_since = "", None
    while True:
        hold.check()
        live = connection.get(key)
        if live is None:
            raise NotReady(f"{key} is gone: somebody deleted it", "apply again")
        state = _seen_state(connection, live, fewest)
        if state.is_ready:
            if told:
                tell(f"{key} is ready: {state.told}")
            return
        found = reasons.troubles(connection, live)
        now = "; ".join([state.told, *(trouble.told for trouble in found)])
        if now != told:
            tell(f"{key}: {now}")
            told = now
        is_stuck = any(trouble.is_stuck for trouble in found)
        stuck_since = (stuck_since or time.monotonic()) if is_stuck else None
        is_hopeless = stuck_since is not None and time.monotonic() - stuck_since > _GRACE
        if state.has_failed or is_hopeless or time.monotonic() > deadline:
            raise NotReady(f"{key} is not ready: {now}", _way_out(found))
        time.sleep(_PAUSE)


def _way_out(found: Iterable[reasons.Trouble]) -> str:
    return next(
        (trouble.help for trouble in found if trouble.help),
        "run it again when the reason is gone; it goes on",
    )
