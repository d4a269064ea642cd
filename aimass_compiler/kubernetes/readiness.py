"""Waits until what serves is ready, and says why it does not get there: conditions, pods, events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.failures import ClusterError, admission_reason
from aimass_compiler.kubernetes.handover import deployment_of, desired, least, scaled_by
from aimass_compiler.kubernetes.made_workload import made_of, state_of_both
from aimass_compiler.kubernetes.objects import Object, ObjectKey, is_workload, key_of
from aimass_compiler.kubernetes.pauses import pauses
from aimass_compiler.kubernetes.transport import Report
from aimass_compiler.render.object_kind import WorkloadState
from aimass_compiler.render.targets import kind_of_object

#: States of a waiting container that pass only when somebody does something, mostly.
_STUCK = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
_MOST = 3
_HASHES = ("pod-template-hash", "rollouts-pod-template-hash")


@dataclass(frozen=True)
class ReadinessProblem:
    """Something that keeps a workload from getting ready."""

    message: str
    is_stuck: bool
    """Whether waiting alone hardly helps."""
    help: str = ""


def symptoms(connection: Connection, workload: Object) -> list[ReadinessProblem]:
    """What can be seen that is wrong with it, the most telling first; nothing where we may not look."""
    found = list(_of_conditions(workload))
    try:
        pods = _new_pods(connection, made_of(connection, workload) or workload)
        found += [symptom for pod in pods for symptom in _of_pod(connection, pod)]
    except ClusterError:
        pass  # to read pods and events is a right of its own
    distinct = {symptom.message: symptom for symptom in found}
    return sorted(distinct.values(), key=lambda symptom: not symptom.is_stuck)[:_MOST]


def _of_conditions(workload: Object) -> Iterator[ReadinessProblem]:
    for condition in (workload.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            message = str(condition.get("message", ""))
            reason, hint = admission_reason(message) or (message, "")
            yield ReadinessProblem(f"its pods are refused: {reason}", is_stuck=True, help=hint)


def _new_pods(connection: Connection, workload: Object) -> list[dict[str, Any]]:
    """The pods of the newest template: those of the old one are to go."""
    metadata = workload["metadata"]
    if workload["kind"] == "Pod":
        return [dict(workload)]
    if finds_pods := kind_of_object(workload).finds_pods:
        own = finds_pods(workload)
        return connection.list("", "Pod", metadata["namespace"], own) if own else []
    labels = ((workload.get("spec") or {}).get("selector") or {}).get("matchLabels")
    if not labels:
        return []
    sets = [
        each
        for each in connection.list("apps", "ReplicaSet", metadata["namespace"], labels)
        if metadata["uid"] in {owner["uid"] for owner in each["metadata"].get("ownerReferences", ())}
    ]
    if not sets:
        return []
    newest = max(sets, key=revision)
    own = {name: value for name, value in newest["metadata"].get("labels", {}).items() if name in _HASHES}
    return connection.list("", "Pod", metadata["namespace"], {**labels, **own})


def revision(replicas: Object) -> int:
    """How many templates a workload had when it made these replicas."""
    annotations = replicas["metadata"].get("annotations") or {}
    return max((int(value) for name, value in annotations.items() if name.endswith("/revision")), default=0)


def _of_pod(connection: Connection, pod: Object) -> Iterator[ReadinessProblem]:
    status: Mapping[str, Any] = pod.get("status") or {}
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    message = [symptom for each in containers for symptom in _of_container(name, namespace, each)]
    message += [
        ReadinessProblem(f"no node takes pod {name}: {condition.get('message', '')}", is_stuck=False)
        for condition in status.get("conditions") or ()
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False"
    ]
    if not message and not _is_ready(status.get("conditions") or ()):
        message += _of_events(connection, pod) or [
            ReadinessProblem(f"pod {name} is {status.get('phase')}", is_stuck=False)
        ]
    yield from message


def _of_container(pod: str, namespace: str, status: Mapping[str, Any]) -> Iterator[ReadinessProblem]:
    waiting = (status.get("state") or {}).get("waiting") or {}
    ended = (status.get("lastState") or {}).get("terminated") or (status.get("state") or {}).get("terminated")
    reason = waiting.get("reason", "")
    if reason in _STUCK:
        message = f": {waiting['message']}" if waiting.get("message") else ""
        last = f"; it ended with {_ending(ended)}" if ended else ""
        help = _hint(reason, pod, namespace)  # noqa: A001  # the word that findings use
        yield ReadinessProblem(
            f"{reason} of `{status['name']}` in pod {pod}{message}{last}", is_stuck=True, help=help
        )
    elif ended and ended.get("exitCode"):
        yield ReadinessProblem(f"`{status['name']}` in pod {pod} ended with {_ending(ended)}", is_stuck=False)


def _ending(ended: Mapping[str, Any]) -> str:
    message = f": {ended['message'].strip()}" if ended.get("message") else ""
    return f"exit code {ended.get('exitCode')} ({ended.get('reason', 'no reason')}){message}"


def _hint(reason: str, pod: str, namespace: str) -> str:
    if "Image" in reason:
        return "push the image that the manifests name (`aimass image`), and let the cluster pull it"
    return f"`kubectl logs -n {namespace} {pod} --previous` shows the logs of the previous container"


def _is_ready(conditions: Sequence[Mapping[str, Any]]) -> bool:
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _of_events(connection: Connection, pod: Object) -> list[ReadinessProblem]:
    """The last warning about a pod, such as a probe that fails or a volume that is missing."""
    metadata = pod["metadata"]
    about = {"involvedObject.uid": metadata["uid"], "type": "Warning"}
    events = connection.list("", "Event", metadata["namespace"], fields=about)
    if not events:
        return []
    last = max(events, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return [ReadinessProblem(f"pod {metadata['name']}: {last.get('message', '')}", is_stuck=False)]


_LONGEST_PAUSE = 1.0
#: What looks hopeless for so long is given up: it may be a registry, or a quota, that recovers.
_GRACE = 30.0


class NotReady(ClusterError):  # noqa: N818  # it reads as what is the case
    """What was applied is not ready in time, or cannot get ready."""

    exit_code = ExitCode.NOT_READY


def state_of(live: Object, fewest: int) -> WorkloadState:
    """How far a workload is that needs so many servers at least."""
    if desired(live) == 0 and fewest > 0:
        by = scaled_by(live)
        who = f" by `{by.name}`" if by is not None else ""
        return WorkloadState(
            f"it was scaled to 0{who}, and no autoscaler starts again from 0", has_failed=True
        )
    state = kind_of_object(live).state
    return state(live, fewest) if state else WorkloadState("nothing is waited for", is_ready=True)


def wait(
    connection: Connection,
    objects: Iterable[Object],
    check: Callable[[], None],
    *,
    timeout: float,
    report: Report,
    until_ended: bool = True,
) -> bool:
    """Wait until every workload is ready, or its canary has begun unless it is waited for until it ends.

    Answers whether all of them are ready. Raises NotReady with the reason, ClusterError, and what `check`
    raises, which is asked again and again.
    """
    listed = list(objects)
    deadline = time.monotonic() + timeout
    waited = _Waiting(connection, check, deadline, report, until_ended)
    workloads = (document for document in listed if is_workload(key_of(document)))
    # A list, so that one which has only begun keeps no other from being waited for.
    ready = [_wait_for(waited, key_of(each), least(each, listed)) for each in workloads]
    return all(ready)


@dataclass(frozen=True)
class _Waiting:
    """How it is waited for workloads."""

    connection: Connection
    check: Callable[[], None]
    deadline: float
    report: Report
    until_ended: bool
    longest_pause: float = _LONGEST_PAUSE


def are_ready(connection: Connection, objects: Iterable[Object]) -> bool:
    """Whether every workload is ready now. Raises ClusterError."""
    listed = list(objects)
    wanted = [(key_of(each), least(each, listed)) for each in listed if is_workload(key_of(each))]
    found = [(connection.get(key), fewest) for key, fewest in wanted]
    return all(live is not None and seen_state(connection, live, fewest).is_ready for live, fewest in found)


def seen_state(connection: Connection, live: Object, fewest: int) -> WorkloadState:
    """The state, which is that of what is made of it, too.

    Until a Rollout has seen that the Deployment has changed whose pods it runs, it says how the version
    before went, such as that its canary was aborted.
    """
    state = state_of_both(connection, live, state_of(live, fewest))
    key = deployment_of(live)
    is_decided = state.is_ready or state.is_started or state.has_failed
    deployment = connection.get(key) if key is not None and is_decided else None
    if deployment is None:
        return state
    seen = str((live.get("status") or {}).get("workloadObservedGeneration", ""))
    is_seen = seen in {"", str(deployment["metadata"]["generation"])}
    return state if is_seen else WorkloadState("its controller has not seen the Deployment's change yet")


def wait_for(
    connection: Connection,
    key: ObjectKey,
    state: Callable[[Object], WorkloadState],
    check: Callable[[], None],
    *,
    deadline: float,
    report: Report,
    longest_pause: float = _LONGEST_PAUSE,
) -> None:
    """Wait until one object is ready, by what `state` says of it. Raises as `wait` does."""
    waiting = _Waiting(connection, check, deadline, report, until_ended=True, longest_pause=longest_pause)
    _watch(waiting, key, state)


def _wait_for(waiting: _Waiting, key: ObjectKey, fewest: int) -> bool:
    """Wait for one workload; answers whether it is ready. Raises as `wait` does."""
    return _watch(waiting, key, lambda live: seen_state(waiting.connection, live, fewest))


def _watch(waiting: _Waiting, key: ObjectKey, state_of_live: Callable[[Object], WorkloadState]) -> bool:
    reported, stuck_since, rests = "", None, pauses(waiting.longest_pause)
    while True:
        waiting.check()
        live = waiting.connection.get(key)
        if live is None:
            raise NotReady(f"{key} is gone: deleted by hand", "apply again")
        state = state_of_live(live)
        if state.is_ready or (state.is_started and not waiting.until_ended):
            if reported:
                waiting.report(f"{key} is {'ready' if state.is_ready else 'a canary now'}: {state.message}")
            return state.is_ready
        found = symptoms(waiting.connection, live)
        now = "; ".join([state.message, *(symptom.message for symptom in found)])
        if now != reported:
            waiting.report(f"{key}: {now}")
            reported = now
        is_stuck = any(symptom.is_stuck for symptom in found)
        stuck_since = (stuck_since or time.monotonic()) if is_stuck else None
        is_hopeless = stuck_since is not None and time.monotonic() - stuck_since > _GRACE
        if state.has_failed or is_hopeless or time.monotonic() > waiting.deadline:
            raise NotReady(f"{key} is not ready: {now}", _first_hint(found))
        time.sleep(next(rests))


def _first_hint(found: Iterable[ReadinessProblem]) -> str:
    return next(
        (symptom.help for symptom in found if symptom.help),
        "run it again when the reason is gone; it goes on",
    )
