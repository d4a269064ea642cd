"""The workload that another controller makes of ours: how far its pods are is how far ours are.

KServe's own status says that an InferenceService is ready while the servers of the version before still are,
and names the generation of its Deployment, not that of ours.
"""

from __future__ import annotations

from typing import Any

from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.pod_images import images_in, images_of
from aimass_compiler.render.object_kind import Object, WorkloadState, at
from aimass_compiler.render.targets import kind_of, kind_of_object


def made_of(connection: Connection, live: Object) -> Object | None:
    """What the controller of a workload made of it; None where it makes nothing, or has not yet."""
    kind = kind_of_object(live)
    if kind.made is None:
        return None
    metadata = live["metadata"]
    name = kind.made.name_of(metadata["name"])
    for each in connection.list(kind.made.group, kind.made.kind, metadata["namespace"]):
        owners = {owner["uid"] for owner in each["metadata"].get("ownerReferences", ())}
        if each["metadata"]["name"] == name and metadata["uid"] in owners:
            return each
    return None


def state_of_both(connection: Connection, live: Object, own: WorkloadState) -> WorkloadState:
    """How far a workload is of which another one is made, from what it says itself."""
    kind = kind_of_object(live)
    if kind.made is None or kind.pods is None:
        return own
    made = made_of(connection, live)
    if made is None:
        name = kind.made.name_of(live["metadata"]["name"])
        return WorkloadState(f"its controller has not made `{name}` yet")
    if not _has_seen(live, made):
        return WorkloadState("its controller has not seen the change yet")
    fewest = sum(each.count for each in kind.pods(live))
    state = kind_of(kind.made.group, kind.made.kind).state
    found = state(made, fewest) if state else own
    return own if found.is_ready else found


def _has_seen(live: Object, made: Object) -> bool:
    """Whether the pods that are made have the images and the variables of ours."""
    pod = at(made, "spec", "template", "spec") or {}
    if images_of(live).items() - images_in(pod).items():
        return False
    (ours,) = (each.template.get("spec") or {} for each in kind_of_object(live).pods(live))  # type: ignore[misc]  # its caller asked
    return _variables(ours) <= _variables(pod)


def _variables(pod: Any) -> set[tuple[str, str, str]]:
    return {
        (container["name"], each["name"], str(each.get("value")))
        for container in pod.get("containers") or ()
        for each in container.get("env") or ()
    }
