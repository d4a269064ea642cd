"""Stands in for Argo Rollouts where its controller would take minutes to build: a Rollout's first version.

It writes what the controller writes, by its field manager: the number of servers where there is none,
pods, status, selectors, and the Deployment's scale.

Source: rollout/controller.go, rollout/sync.go (promoteStable) and rollout/service.go of argo-rollouts 1.9.1
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.transport import Transport, transport
from scripts.cluster.cluster import Cluster

_CONTROLLER = "rollouts-controller"
#: Where the API has what it looks at, by its kind.
_GROUPS = {"rollouts": "apis/argoproj.io/v1alpha1", "services": "api/v1"}
_APPS = "apis/apps/v1"
_FORMS = {"merge": "application/merge-patch+json", "apply": "application/apply-patch+yaml"}
_HASH = "rollouts-pod-template-hash"
_PAUSE = 0.2


@dataclass
class StandIn:
    """For the Rollouts of one namespace; it asks the API itself, as five processes a round would be slow."""

    way: Transport
    namespace: str
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.is_over.wait(_PAUSE):
            with suppress(ClusterError):  # what is gone, or was changed meanwhile, is looked at again
                found = self._get("rollouts")["items"]
                for rollout in found:
                    if "deletionTimestamp" not in rollout["metadata"]:
                        self._reconcile(rollout)
                if not found:
                    self._clean()

    def _get(self, kind: str, name: str = "") -> dict[str, Any]:
        """An object, or the list of all without a name."""
        return self.way.request("GET", self._path(kind, name), about=kind).document

    def _patch(self, kind: str, name: str, patch: dict[str, Any], part: str = "", form: str = "merge") -> Any:
        """Patch an object, or a part of it such as its status; answers what it is then."""
        return self.way.request(
            "PATCH",
            self._path(kind, name) + part,
            about=kind,
            query={"fieldManager": _CONTROLLER} | ({"force": "true"} if form == "apply" else {}),
            body=patch,
            headers={"Content-Type": _FORMS[form]},
        ).document

    def _path(self, kind: str, name: str) -> str:
        return f"/{_GROUPS.get(kind, _APPS)}/namespaces/{self.namespace}/{kind}/{name}".rstrip("/")

    def _reconcile(self, rollout: dict[str, Any]) -> None:
        name, spec = rollout["metadata"]["name"], rollout["spec"]
        if "replicas" not in spec:
            self._patch("rollouts", name, {"spec": {"replicas": 1}})
            return
        deployment = self._get("deployments", spec["workloadRef"]["name"])
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
            self._patch("rollouts", name, {"status": status}, "/status")
        if not is_healthy or "deletionTimestamp" in self._get("rollouts", name)["metadata"]:
            return
        for role in ("stableService", "canaryService"):
            self._select(spec["strategy"]["canary"][role], replicas["metadata"]["name"])
        if spec["workloadRef"].get("scaleDown") == "onsuccess" and deployment["spec"]["replicas"] > 0:
            self._patch("deployments", deployment["metadata"]["name"], {"spec": {"replicas": 0}})

    def _replicas(self, rollout: dict[str, Any], deployment: dict[str, Any]) -> dict[str, Any]:
        """The ReplicaSet of the Rollout, whose pods the cluster's own controllers make."""
        version = f"{rollout['metadata']['name']}-{rollout['metadata']['uid'][:6]}"
        template = deployment["spec"]["template"]
        labels = {**template["metadata"]["labels"], _HASH: version}
        owner = {"apiVersion": rollout["apiVersion"], "kind": "Rollout", "controller": True}
        owner |= {key: rollout["metadata"][key] for key in ("name", "uid")}
        wanted: dict[str, Any] = {
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
        found: dict[str, Any] = self._patch("replicasets", version, wanted, form="apply")
        return found

    def _clean(self) -> None:
        """Let Services show all pods again whose Rollout is gone (service/service.go)."""
        for service in self._get("services")["items"]:
            if _HASH in service["spec"].get("selector", {}):
                self._patch("services", service["metadata"]["name"], {"spec": {"selector": {_HASH: None}}})

    def _select(self, service: str, version: str) -> None:
        selector = self._get("services", service)["spec"]["selector"]
        if selector.get(_HASH) != version:
            self._patch("services", service, {"spec": {"selector": {_HASH: version}}})


@contextmanager
def running(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Let it act while the block lasts."""
    stand_in = StandIn(transport(cluster.kubeconfig, None, list[str]().append), namespace)
    thread = threading.Thread(target=stand_in.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stand_in.is_over.set()
        thread.join()
