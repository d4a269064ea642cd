"""KServe's own controller, with its webhooks for one namespace, where there is Kubernetes alone."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scripts.cluster import custom_resources
from scripts.cluster.cluster import Cluster, Refused
from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import program

_KSERVE = custom_resources.KSERVE
#: The webhooks that concern an InferenceService, and their paths below the controller's address.
_WEBHOOKS = "inferenceservice.serving.kserve.io"
_NAMESPACE = "kubernetes.io/metadata.name"
_START_SECONDS = 60
_ADDRESS = "127.0.0.1"
#: What an installation of KServe on the Gateway API has, beside what its release has.
_STANDARD = {
    "deploy": {"defaultDeploymentMode": "Standard"},
    "ingress": {
        "enableGatewayApi": True,
        "kserveIngressGateway": "gateway-system/gateway",
        "ingressDomain": "example.com",
        "ingressGateway": "knative-serving/knative-ingress-gateway",
        "disableIstioVirtualHost": True,
    },
}


@contextmanager
def running(cluster: Cluster, namespace: str, folder: Path) -> Iterator[Background]:
    """Run it while the block lasts; its settings are in the namespace, whose objects alone its webhooks see.

    Raises Refused, ProgramMissing and BuildFailed.
    """
    for definition in custom_resources.every_one(_KSERVE):  # one by one: they are large
        cluster.define([definition])
    cluster.create_custom_resource_definitions("HTTPRoute")
    cluster.apply([_settings(namespace)])
    health, metrics, port = free_ports(3)
    authority = _certificates(folder / "k8s-webhook-server" / "serving-certs")
    command = [
        str(program("kserve-manager")),
        f"--kubeconfig={cluster.kubeconfig.resolve()}",
        f"--health-probe-addr={_ADDRESS}:{health}",
        f"--metrics-addr={_ADDRESS}:{metrics}",
        f"--webhook-port={port}",
    ]
    # Its certificates are where the system keeps what is temporary, and its settings in its own namespace.
    variables = {"POD_NAMESPACE": namespace, "TMPDIR": str(folder.resolve())}
    controller = Background(command, folder / "kserve-manager.log", folder, variables)
    controller.start()
    webhooks = list(_webhooks(namespace, port, authority))
    try:
        _wait(cluster, webhooks, controller, namespace)
        yield controller
    finally:
        for each in webhooks:
            cluster.try_kubectl("delete", each["kind"], each["metadata"]["name"])
        controller.stop()


def _settings(namespace: str) -> dict[str, Any]:
    """The settings of the release, but for how it deploys and routes."""
    path = custom_resources.source(_KSERVE) / "config/configmap/inferenceservice.yaml"
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    data = {name: text for name, text in document["data"].items() if not name.startswith("_")}
    own = {name: json.dumps(json.loads(data[name]) | settings) for name, settings in _STANDARD.items()}
    metadata = {"name": document["metadata"]["name"], "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data | own}


def _certificates(folder: Path) -> bytes:
    """Make a key with a certificate of its own for the webhooks; answers the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kserve-webhooks")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address(_ADDRESS))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "tls.crt").write_bytes(pem)
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "tls.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return pem


def _webhooks(namespace: str, port: int, authority: bytes) -> Iterator[dict[str, Any]]:
    """Those of the release that concern an InferenceService, for one namespace and at our address."""
    path = custom_resources.source(_KSERVE) / "config/webhook/manifests.yaml"
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        if document is None or document["metadata"]["name"] != _WEBHOOKS:
            continue
        for each in document["webhooks"]:
            below = each["clientConfig"]["service"]["path"]
            bundle = base64.b64encode(authority).decode()
            each["clientConfig"] = {"url": f"https://{_ADDRESS}:{port}{below}", "caBundle": bundle}
            each["namespaceSelector"] = {"matchLabels": {_NAMESPACE: namespace}}
            each["admissionReviewVersions"] = ["v1", *each["admissionReviewVersions"]]
        metadata = {"name": f"{namespace}.{_WEBHOOKS}"}
        yield {**document, "metadata": metadata}


def _wait(cluster: Cluster, webhooks: list[dict[str, Any]], controller: Background, namespace: str) -> None:
    """Install the webhooks and wait until one of them answers. Raises Refused."""
    cluster.apply(webhooks)
    tried = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "tried", "namespace": namespace},
        "spec": {"predictor": {"containers": [{"name": "kserve-container", "image": "tried"}]}},
    }
    until = time.monotonic() + _START_SECONDS
    while True:
        done = cluster.try_kubectl("create", "--dry-run=server", "-f-", given=tried)
        if done.returncode == 0:
            return
        if time.monotonic() > until or not controller.is_running:
            raise Refused(f"KServe does not start: {done.stderr}\n{controller.last_words()}")
        time.sleep(0.5)
