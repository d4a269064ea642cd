"""What may reach the pods of a training run, and what they may reach: NetworkPolicies."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions, training_names
from aimass_compiler.render.names import training_labels
from aimass_compiler.render.training.cluster import TrainingRun
from aimass_compiler.render.training.job_platform import JobPlatform, Peer

_DNS = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
_METRICS = [{"port": port, "protocol": "TCP"} for port in (training_names.RAY_PORT, training_names.PORT)]


def training_policy(job: TrainingRun, platform: JobPlatform) -> dict[str, Any]:
    """Ray's pods speak with each other; the operator and Prometheus ask; out they go for rows only."""
    peers = {"podSelector": {"matchLabels": training_labels(job.name)}}
    prometheus = {conventions.LABEL_NAMESPACE: job.pipeline.settings.prometheus.namespace}
    ingress: list[dict[str, Any]] = [
        {"from": [peers]},
        *_operators(platform.watched_by, "from"),
        {"from": [{"namespaceSelector": {"matchLabels": prometheus}}], "ports": _METRICS},
    ]
    # Names may be answered by a node's own cache, which no selector finds.
    egress: list[dict[str, Any]] = [{"to": [peers]}, {"ports": _DNS}, *_operators(platform.reports_to, "to")]
    if job.settings.store is not None or any(
        source.egress() for source in job.pipeline.data.sources.values()
    ):
        egress = [{}]
    return _policy(job.account, training_labels(job.name), ingress, egress)


def _operators(peer: Peer | None, direction: str) -> list[dict[str, Any]]:
    """Traffic to or from the pods of the operator, wherever it runs."""
    if peer is None:
        return []
    labels, port = peer
    pods = {"namespaceSelector": {}, "podSelector": {"matchLabels": dict(labels)}}
    return [{direction: [pods], "ports": [{"port": port, "protocol": "TCP"}]}]


def retraining_policy(name: str, pods: dict[str, str]) -> dict[str, Any]:
    """Nothing comes in. The API server may be anywhere: only the cluster knows its address and port."""
    return _policy(name, pods, [], [{}])


def _policy(
    name: str, pods: dict[str, str], ingress: list[dict[str, Any]], egress: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            "podSelector": {"matchLabels": pods},
            "policyTypes": ["Ingress", "Egress"],
            **({"ingress": ingress} if ingress else {}),
            "egress": egress,
        },
    }
