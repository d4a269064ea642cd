"""Sigstore's policy-controller for a cluster of one's own, which asks it about Deployments and Pods."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.cluster import certificates, custom_resources
from scripts.cluster.cluster import Cluster, Refused
from scripts.cluster.processes import Background
from scripts.cluster.programs import program

#: Where it runs and reads keys.
NAMESPACE = "cosign-system"
#: It has an option for another one, and listens here all the same (0.13.1).
_PORT = 8443
_CERTIFICATE = "webhook-certs"
_SETTINGS = ("image-policies", "policy-controller", "sigstore-keys", "logging", "leader-election")
_START_SECONDS = 60
_ADMISSION = "admissionregistration.k8s.io/v1"
#: Which namespaces take part, as the release has it.
_INCLUDED = {"matchLabels": {"policy.sigstore.dev/include": "true"}}


@contextmanager
def running(cluster: Cluster, folder: Path) -> Iterator[Background]:
    """Run it while the block lasts; it knows no root of trust, and so keys only.

    Raises Refused, ProgramMissing and BuildFailed.
    """
    authority = certificates.made("policy-controller", f"webhook.{NAMESPACE}.svc")
    for path in custom_resources.every_one(custom_resources.POLICY_CONTROLLER):
        cluster.apply([_converted(json.loads(path.read_text(encoding="utf-8")), authority)])
    cluster.namespaces(NAMESPACE)
    cluster.apply([_certificate(authority), *map(_settings, _SETTINGS)])
    command = [str(program("policy-controller")), "--disable-tuf"]
    variables = {
        "KUBECONFIG": str(cluster.kubeconfig.resolve()),
        "SYSTEM_NAMESPACE": NAMESPACE,
        "METRICS_DOMAIN": "sigstore.dev/policy",
        "WEBHOOK_NAME": "webhook",
        "KUBERNETES_MIN_VERSION": "v1.21.0",
    }
    controller = Background(command, folder / "policy-controller.log", folder, variables)
    controller.start()
    try:
        _wait(cluster, controller, authority)
        yield controller
    finally:
        controller.stop()


def _reached(path: str, authority: certificates.Authority) -> dict[str, str]:
    bundle = base64.b64encode(authority.own.certificate).decode()
    return {"url": f"https://{certificates.ADDRESS}:{_PORT}{path}", "caBundle": bundle}


def _converted(definition: dict[str, Any], authority: certificates.Authority) -> dict[str, Any]:
    """A definition whose versions the controller converts, at our address."""
    conversion = definition["spec"].get("conversion")
    if conversion and conversion["strategy"] == "Webhook":
        conversion["webhook"]["clientConfig"] = _reached("/resource-conversion", authority)
    return definition


def _certificate(authority: certificates.Authority) -> dict[str, Any]:
    parts = {
        "ca-cert.pem": authority.own.certificate,
        "server-cert.pem": authority.server.certificate,
        "server-key.pem": authority.server.key,
    }
    data = {name: base64.b64encode(content).decode() for name, content in parts.items()}
    metadata = {"name": _CERTIFICATE, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def _settings(name: str) -> dict[str, Any]:
    metadata = {"name": f"config-{name}", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}}


def _webhook(authority: certificates.Authority) -> dict[str, Any]:
    """What asks it; that of its release leads to a Service, which has no network here."""
    rules = [
        {
            "apiGroups": [group],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": [resource],
        }
        for group, resource in (("", "pods"), ("apps", "deployments"))
    ]
    asked = {
        "name": "policy.sigstore.dev",
        "namespaceSelector": _INCLUDED,
        "admissionReviewVersions": ["v1"],
        "clientConfig": _reached("/validations", authority),
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "timeoutSeconds": 25,
        "rules": rules,
    }
    return {
        "apiVersion": _ADMISSION,
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "asked.policy.sigstore.dev"},
        "webhooks": [asked],
    }


def _wait(cluster: Cluster, controller: Background, authority: certificates.Authority) -> None:
    """Install the webhook and wait until it answers. Raises Refused."""
    name = f"{NAMESPACE}-tried"
    cluster.namespaces(name, level="privileged", labels=_INCLUDED["matchLabels"])
    cluster.apply([_webhook(authority)])
    container = {"name": "a", "image": f"example.com/tried@sha256:{'0' * 64}"}
    labels = {"app": "tried"}
    tried = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "tried", "namespace": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    until = time.monotonic() + _START_SECONDS
    while True:
        done = cluster.try_kubectl("create", "--dry-run=server", "-f-", given=tried)
        if "denied the request" in done.stderr:
            return
        if time.monotonic() > until or not controller.is_running:
            raise Refused(f"policy-controller does not answer: {done.stderr}\n{controller.last_words()}")
        time.sleep(0.5)
