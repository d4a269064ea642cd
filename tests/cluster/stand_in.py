"""Stands in for Argo Rollouts where its controller would take minutes to build: a Rollout's first version.

It writes what the controller writes, by its field manager: the number of servers where there is none,
pods, status, selectors, and the Deployment's scale.

Source: rollout/controller.go, rollout/sync.go (promoteStable) and rollout/service.go of argo-rollouts 1.9.1
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from scripts.cluster.cluster import Cluster, Refused

_AS_CONTROLLER = "--field-manager=rollouts-controller"
_HASH = "rollouts-pod-template-hash"
_PAUSE = 0.2


@dataclass
class StandIn:
    """For the Rollouts of one namespace."""

    cluster: Cluster
    namespace: str
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.is_over.wait(_PAUSE):
            with suppress(Refused):  # what is gone, or was changed meanwhile, is looked at again
                for rollout in self.cluster.objects("rollouts", self.namespace):
                    self._reconcile(rollout)

    def _patch(self, kind: str, name: str, patch: object, *options: str) -> None:
        where = (f"--namespace={self.namespace}", "--type=merge", _AS_CONTROLLER, *options)
        self.cluster.kubectl("patch", kind, name, *where, f"--patch={json.dumps(patch)}")

    def _reconcile(self, rollout: dict[str, Any]) -> None:
        name, spec = rollout["metadata"]["name"], rollout["spec"]
        if "replicas" not in spec:
            return self._patch("rollout", name, {"spec": {"replicas": 1}})
        deployment = self.cluster.get("deployment", spec["workloadRef"]["name"], self.namespace)
        replicas = self._replicas(rollout, deployment)
        ready = replicas.get("status", {}).get("readyReplicas", 0)
        is_healthy = ready == spec["replicas"]
        status = {
            "phase": "Healthy" if is_healthy else "Progressing",
            "observedGeneration": str(rollout["metadata"]["generation"]),
            "workloadObservedGeneration": str(deployment["metadata"]["generation"]),
            "replicas": ready,
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        if any(rollout.get("status", {}).get(key) != value for key, value in status.items()):
            self._patch("rollout", name, {"status": status}, "--subresource=status")
        if not is_healthy:
            return None
        for role in ("stableService", "canaryService"):
            self._select(spec["strategy"]["canary"][role], replicas["metadata"]["name"])
        if spec["workloadRef"].get("scaleDown") == "onsuccess" and deployment["spec"]["replicas"] > 0:
            self._patch("deployment", deployment["metadata"]["name"], {"spec": {"replicas": 0}})
        return None

    def _replicas(self, rollout: dict[str, Any], deployment: dict[str, Any]) -> dict[str, Any]:
        """The ReplicaSet of the Rollout, whose pods the cluster's own controllers make."""
        version = f"{rollout['metadata']['name']}-{rollout['metadata']['uid'][:6]}"
        template = deployment["spec"]["template"]
        labels = {**template["metadata"]["labels"], _HASH: version}
        owner = {"apiVersion": rollout["apiVersion"], "kind": "Rollout", "controller": True}
        owner |= {key: rollout["metadata"][key] for key in ("name", "uid")}
        wanted = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": version, "namespace": self.namespace, "labels": labels},
            "spec": {
                "replicas": rollout["spec"]["replicas"],
                "selector": {"matchLabels": labels},
                "template": {**template, "metadata": {"labels": labels}},
            },
        }
        wanted["metadata"]["ownerReferences"] = [owner]
        apply = ("apply", "--server-side", "--force-conflicts", _AS_CONTROLLER, "-f-", "-ojson")
        found: dict[str, Any] = json.loads(self.cluster.kubectl(*apply, given=wanted))
        return found

    def _select(self, service: str, version: str) -> None:
        selector = self.cluster.get("service", service, self.namespace)["spec"]["selector"]
        if selector.get(_HASH) != version:
            self._patch("service", service, {"spec": {"selector": {_HASH: version}}})


@contextmanager
def running(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Let it act while the block lasts."""
    stand_in = StandIn(cluster, namespace)
    thread = threading.Thread(target=stand_in.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stand_in.is_over.set()
        thread.join()
