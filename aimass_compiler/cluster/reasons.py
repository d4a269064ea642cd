"""Why a workload does not get ready: from its conditions, its pods' containers, and events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aimass_compiler.cluster.connection import Connection
from aimass_compiler.cluster.failures import ClusterError, told_reason
from aimass_compiler.cluster.objects import Object

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
class Trouble:
    """Something that keeps a workload from getting ready."""

    told: str
    is_stuck: bool
    """Whether waiting alone hardly helps."""
    help: str = ""


def troubles(connection: Connection, workload: Object) -> list[Trouble]:
    """What can be seen that is wrong with it, the most telling first; nothing where we may not look."""
    found = list(_of_conditions(workload))
    try:
        pods = _new_pods(connection, workload)
        found += [trouble for pod in pods for trouble in _of_pod(connection, pod)]
    except ClusterError:
        pass  # to read pods and events is a right of its own
    distinct = {trouble.told: trouble for trouble in found}
    return sorted(distinct.values(), key=lambda trouble: not trouble.is_stuck)[:_MOST]


def _of_conditions(workload: Object) -> Iterator[Trouble]:
    for condition in (workload.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            message = str(condition.get("message", ""))
            told, way = told_reason(message) or (message, "")
            yield Trouble(f"its pods are refused: {told}", is_stuck=True, help=way)


def _new_pods(connection: Connection, workload: Object) -> list[dict[str, Any]]:
    """The pods of the newest template: those of the old one are to go."""
    metadata = workload["metadata"]
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


def _of_pod(connection: Connection, pod: Object) -> Iterator[Trouble]:
    status: Mapping[str, Any] = pod.get("status") or {}
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    told = [trouble for each in containers for trouble in _of_container(name, namespace, each)]
    told += [
        Trouble(f"no node takes pod {name}: {condition.get('message', '')}", is_stuck=False)
        for condition in status.get("conditions") or ()
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False"
    ]
    if not told and not _is_ready(status.get("conditions") or ()):
        told += _of_events(connection, pod) or [
            Trouble(f"pod {name} is {status.get('phase')}", is_stuck=False)
        ]
    yield from told


def _of_container(pod: str, namespace: str, status: Mapping[str, Any]) -> Iterator[Trouble]:
    waiting = (status.get("state") or {}).get("waiting") or {}
    ended = (status.get("lastState") or {}).get("terminated") or (status.get("state") or {}).get("terminated")
    reason = waiting.get("reason", "")
    if reason in _STUCK:
        message = f": {waiting['message']}" if waiting.get("message") else ""
        last = f"; it ended with {_ending(ended)}" if ended else ""
        help = _way_out(reason, pod, namespace)  # noqa: A001  # the word that findings use
        yield Trouble(f"{reason} of `{status['name']}` in pod {pod}{message}{last}", is_stuck=True, help=help)
    elif ended and ended.get("exitCode"):
        yield Trouble(f"`{status['name']}` in pod {pod} ended with {_ending(ended)}", is_stuck=False)


def _ending(ended: Mapping[str, Any]) -> str:
    message = f": {ended['message'].strip()}" if ended.get("message") else ""
    return f"exit code {ended.get('exitCode')} ({ended.get('reason', 'no reason')}){message}"


def _way_out(reason: str, pod: str, namespace: str) -> str:
    if "Image" in reason:
        return "push the image that the manifests name (`aimass image`), and let the cluster pull it"
    return f"`kubectl logs -n {namespace} {pod} --previous` shows its last words"


def _is_ready(conditions: Sequence[Mapping[str, Any]]) -> bool:
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _of_events(connection: Connection, pod: Object) -> list[Trouble]:
    """The last warning about a pod, such as a probe that fails or a volume that is missing."""
    metadata = pod["metadata"]
    about = {"involvedObject.uid": metadata["uid"], "type": "Warning"}
    events = connection.list("", "Event", metadata["namespace"], fields=about)
    if not events:
        return []
    last = max(events, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return [Trouble(f"pod {metadata['name']}: {last.get('message', '')}", is_stuck=False)]
