"""Kueue's own controller for a cluster of one's own, with the webhooks of its release that concern Ray."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
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
#: What its webhooks look at: jobs of Ray, and Kueue's own objects.
_GROUPS = frozenset(("ray.io", "kueue.x-k8s.io"))


@contextmanager
def running(cluster: Cluster, folder: Path) -> Iterator[Background]:
    """Run it while the block lasts; KubeRay's definitions must be there.

    It takes its certificate from a Secret, and hands it to the API server itself. Raises Refused,
    ProgramMissing and BuildFailed.
    """
    health, metrics, port = free_ports(3)
    for path in custom_resources.every_one(custom_resources.KUEUE):
        definition = json.loads(path.read_text(encoding="utf-8"))
        cluster.apply([_converted(definition, port)])
    cluster.namespaces(_NAMESPACE)
    authority = certificates.made("kueue-ca", f"{_SERVICE}.{_NAMESPACE}.svc")
    cluster.apply([_secret(authority), *_webhooks(port)])
    keys = folder / "certificates"
    keys.mkdir(parents=True)
    (keys / "tls.crt").write_bytes(authority.server.certificate)
    (keys / "tls.key").write_bytes(authority.server.key)
    settings = folder / "kueue.yaml"
    settings.write_text(json.dumps(_settings(health, metrics, port, keys)), encoding="utf-8")
    command = [str(program("kueue")), f"--config={settings.resolve()}", "--zap-log-level=2"]
    command.append("--feature-gates=VisibilityOnDemand=false")  # an API at a port that may be taken
    variables = {"KUBECONFIG": str(cluster.kubeconfig.resolve())}
    controller = Background(command, folder / "kueue.log", folder, variables)
    controller.start()
    try:
        yield controller
    finally:
        controller.stop()


def _settings(health: int, metrics: int, port: int, keys: Path) -> dict[str, Any]:
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
        "integrations": {"frameworks": ["ray.io/rayjob", "ray.io/raycluster"]},
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


def _webhooks(port: int) -> Iterator[dict[str, Any]]:
    """Those of the release, at our address."""
    path = custom_resources.source(custom_resources.KUEUE) / "config/components/webhook/manifests.yaml"
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        kept = [
            {**each, "clientConfig": _address(port, each["clientConfig"]["service"]["path"])}
            for each in document["webhooks"]
            if _GROUPS & {group for rule in each["rules"] for group in rule["apiGroups"]}
        ]
        name = f"kueue-{document['metadata']['name']}"
        yield {**document, "metadata": {"name": name}, "webhooks": kept}
