"""Kueue's own controller for a cluster of one's own, with its webhooks for the jobs that it holds back."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from scripts.cluster import certificates, custom_resources
from scripts.cluster.cluster import Cluster
from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import program

_NAMESPACE = "kueue-system"
_SERVICE, _SECRET = "kueue-webhook-service", "kueue-webhook-server-cert"
#: The kinds whose versions it converts, and to whose definitions it gives its certificate.
_CONVERTED = frozenset(("clusterqueues", "cohorts", "localqueues", "multikueueclusters", "workloads"))
_GROUP = "kueue.x-k8s.io"
#: What it calls the jobs of an operator.
RAY = ("ray.io/rayjob", "ray.io/raycluster")
TRAINER = ("trainer.kubeflow.org/trainjob",)


@contextmanager
def running(cluster: Cluster, folder: Path, jobs: Sequence[str] = RAY) -> Iterator[Background]:
    """Run it while the block lasts; the definitions of the jobs must be there.

    It takes its certificate from a Secret, and hands it to the API server itself. Raises Refused,
    ProgramMissing and BuildFailed.
    """
    health, metrics, port = free_ports(3)
    for path in custom_resources.every_one(custom_resources.KUEUE):
        definition = json.loads(path.read_text(encoding="utf-8"))
        cluster.apply([_converted(definition, port)])
    cluster.namespaces(_NAMESPACE)
    authority = certificates.made("kueue-ca", f"{_SERVICE}.{_NAMESPACE}.svc")
    cluster.apply([_secret(authority), *_webhooks(port, jobs)])
    keys = folder / "certificates"
    keys.mkdir(parents=True)
    (keys / "tls.crt").write_bytes(authority.server.certificate)
    (keys / "tls.key").write_bytes(authority.server.key)
    settings = folder / "kueue.yaml"
    settings.write_text(json.dumps(_settings(health, metrics, port, keys, jobs)), encoding="utf-8")
    command = [str(program("kueue")), f"--config={settings.resolve()}", "--zap-log-level=2"]
    command.append("--feature-gates=VisibilityOnDemand=false")  # an API at a port that may be taken
    variables = {"KUBECONFIG": str(cluster.kubeconfig.resolve())}
    controller = Background(command, folder / "kueue.log", folder, variables)
    controller.start()
    try:
        yield controller
    finally:
        controller.stop()


def _settings(health: int, metrics: int, port: int, keys: Path, jobs: Sequence[str]) -> dict[str, Any]:
    address = certificates.ADDRESS
    return {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "namespace": _NAMESPACE,
        "health": {"healthProbeBindAddress": f"{address}:{health}"},
        "metrics": {"bindAddress": f"{address}:{metrics}"},
        "webhook": {"host": address, "port": port, "certDir": str(keys.resolve())},
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {
            "enable": True,
            "webhookServiceName": _SERVICE,
            "webhookSecretName": _SECRET,
        },
        "integrations": {"frameworks": [*jobs]},
    }


def _secret(authority: certificates.Authority) -> dict[str, Any]:
    parts = {
        "ca.crt": authority.own.certificate,
        "ca.key": authority.own.key,
        "tls.crt": authority.server.certificate,
        "tls.key": authority.server.key,
    }
    data = {name: base64.b64encode(content).decode() for name, content in parts.items()}
    metadata = {"name": _SECRET, "namespace": _NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def _address(port: int, path: str) -> dict[str, str]:
    return {"url": f"https://{certificates.ADDRESS}:{port}{path}"}


def _converted(definition: dict[str, Any], port: int) -> dict[str, Any]:
    """With the webhook that converts its versions, as the release has it."""
    way = {"clientConfig": _address(port, "/convert"), "conversionReviewVersions": ["v1"]}
    if definition["spec"]["names"]["plural"] in _CONVERTED:
        definition["spec"]["conversion"] = {"strategy": "Webhook", "webhook": way}
    return definition


def _webhooks(port: int, jobs: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Those of the release that concern these jobs and Kueue's own objects, at our address."""
    groups = {_GROUP, *(name.partition("/")[0] for name in jobs)}
    path = custom_resources.source(custom_resources.KUEUE) / "config/components/webhook/manifests.yaml"
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        kept = [
            {**each, "clientConfig": _address(port, each["clientConfig"]["service"]["path"])}
            for each in document["webhooks"]
            if groups & {group for rule in each["rules"] for group in rule["apiGroups"]}
        ]
        name = f"kueue-{document['metadata']['name']}"
        yield {**document, "metadata": {"name": name}, "webhooks": kept}
