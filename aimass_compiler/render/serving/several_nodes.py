"""A server that spans several nodes: a LeaderWorkerSet, of whose pods the first answers.

Source: https://lws.sigs.k8s.io/docs/reference/leaderworkerset.v1/
"""

from __future__ import annotations

from typing import Any

from aimass_compiler.pipeline import Metadata
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.serving import workload
from aimass_compiler.render.serving.engine import Served
from aimass_compiler.render.serving.server_platform import ServerPlatform

#: What LeaderWorkerSet sets on its pods: which of a group it is.
WORKER_INDEX = "leaderworkerset.sigs.k8s.io/worker-index"
_LEADER = "0"
#: Of workers, which answer nobody.
_OF_LEADERS = ("ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle")


def leader_worker_set(about: Metadata, served: Served) -> dict[str, Any]:
    """One group of pods for each server; it restarts as a whole, because none of its pods can go on alone."""
    replicas, template = served.serving.replicas, workload.template(served)
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": about.name, **workload.notes(about)},
        "spec": {
            **({"replicas": replicas.min} if replicas.is_fixed else {}),
            "startupPolicy": "LeaderCreated",
            "rolloutStrategy": {
                "type": "RollingUpdate",
                "rollingUpdateConfiguration": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "leaderWorkerTemplate": {
                "size": served.serving.nodes,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": template,
                "workerTemplate": _worker(template),
            },
        },
    }


def _worker(template: dict[str, Any]) -> dict[str, Any]:
    """The same pod without an API."""
    (leader,) = template["spec"]["containers"]
    worker = {key: value for key, value in leader.items() if key not in _OF_LEADERS}
    worker["args"] = [*leader["args"], "--headless"]
    return {**template, "spec": {**template["spec"], "containers": [worker]}}


def _answering(service: Object, about: Metadata) -> Object:
    """The Service of the pods that answer."""
    del about
    selector = {**service["spec"]["selector"], WORKER_INDEX: _LEADER}
    return {**service, "spec": {**service["spec"], "selector": selector}}


def _among_themselves(policy: Object, about: Metadata) -> Object:
    """With all ways between the pods of the model, which exchange tensors."""
    del about
    own = {"podSelector": policy["spec"]["podSelector"]}
    spec = policy["spec"]
    opened = {"ingress": [*spec["ingress"], {"from": [own]}], "egress": [*spec["egress"], {"to": [own]}]}
    return {**policy, "spec": {**spec, **opened}}


def _scaled(model: str) -> dict[str, str]:
    return {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "name": model}


PLATFORM = ServerPlatform(
    workload=leader_worker_set, scaled=_scaled, service=_answering, policy=_among_themselves
)
