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


def _deployment(live: Object) -> State:
    """Source: the rules of `kubectl rollout status` (polymorphichelpers/rollout_status.go)."""
    status = live.get("status") or {}
    desired = live["spec"].get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    old = status.get("replicas", 0) - updated
    if live["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return State("its controller has not seen it yet")
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "ProgressDeadlineExceeded":
            return State(f"its deadline has passed: {available} of {desired} are available", has_failed=True)
    if updated < desired:
        return State(f"{updated} of {desired} are new")
    if old > 0:
        return State(f"{old} old to end")
    if available < updated:
        return State(f"{available} of {updated} are available")
    return State(f"{available} of {desired} are available", is_ready=True)


def _rollout(live: Object) -> State:
    """Source: https://argo-rollouts.readthedocs.io/en/stable/features/kubectl-plugin (phases)."""
    status = live.get("status") or {}
    phase, message = status.get("phase", ""), status.get("message") or ""
    told = f"{phase}: {message}" if message else phase
    if str(live["metadata"].get("generation", 0)) != str(status.get("observedGeneration", "")) or not phase:
        return State("its controller has not seen it yet")
    if phase == "Paused":
        name, namespace = live["metadata"]["name"], live["metadata"]["namespace"]
        return State(f"{told}; `kubectl argo rollouts promote {name} -n {namespace}` goes on")
    return State(told, is_ready=phase == "Healthy", has_failed=phase == "Degraded")


_KINDS: Mapping[tuple[str, str], Callable[[Object], State]] = {
    ("apps", "Deployment"): _deployment,
    ("argoproj.io", "Rollout"): _rollout,
}


def is_workload(key: ObjectKey) -> bool:
    """Whether an object of this kind gets ready."""
    return (key.group, key.kind) in _KINDS


def state_of(key: ObjectKey, live: Object) -> State:
    """How far a workload is."""
    return _KINDS[key.group, key.kind](live)


def wait(
    connection: Connection, objects: Iterable[Object], hold: Hold, *, timeout: float, tell: Tell
) -> None:
    """Wait until every workload is ready. Raises NotReady with the reason, Locked, and ClusterError."""
    keys = [key for key in map(key_of, objects) if is_workload(key)]
    deadline = time.monotonic() + timeout
    for key in keys:
        _wait_for(connection, key, hold, deadline=deadline, tell=tell)


def _wait_for(connection: Connection, key: ObjectKey, hold: Hold, *, deadline: float, tell: Tell) -> None:
    told, stuck_since = "", None
    while True:
        hold.check()
        live = connection.get(key)
        if live is None:
            raise NotReady(f"{key} is gone: somebody deleted it", "apply again")
        state = state_of(key, live)
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
