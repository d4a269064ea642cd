"""KServe's own controllers, with their webhooks for one namespace, where there is Kubernetes alone."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from scripts.cluster import certificates, custom_resources
from scripts.cluster.cluster import Cluster, Refused
from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import program

_KSERVE = custom_resources.KSERVE
_NAMESPACE = "kubernetes.io/metadata.name"
_START_SECONDS = 60
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
#: What the controller of language models asks for, whether a model needs it or not.
_AROUND_TEXT = (custom_resources.GATEWAY, custom_resources.INFERENCE, custom_resources.LEADER_WORKER_SET)
#: What it merges below the pods of every model, and what it makes routes of.
_PRESETS = ("config-llm-template.yaml", "config-llm-router-route.yaml")


@contextmanager
def running(cluster: Cluster, namespace: str, folder: Path) -> Iterator[Background]:
    """Run the controller of InferenceServices while the block lasts.

    Its settings are in the namespace, whose objects alone its webhooks see. Raises Refused, ProgramMissing
    and BuildFailed.
    """
    for definition in custom_resources.every_one(_KSERVE):  # one by one: they are large
        cluster.define([definition])
    cluster.create_custom_resource_definitions("HTTPRoute")
    tried = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "spec": {"predictor": {"containers": [{"name": "kserve-container", "image": "tried"}]}},
    }
    with _controller(cluster, namespace, folder, "kserve-manager", "manifests.yaml", tried) as controller:
        yield controller


@contextmanager
def running_text(cluster: Cluster, namespace: str, folder: Path) -> Iterator[Background]:
    """Run the controller of LLMInferenceServices, with the presets of the release, in the same way.

    It looks at all namespaces, so that the cluster should be its own.
    """
    for operator in (custom_resources.KSERVE_LLM, *_AROUND_TEXT):
        for definition in custom_resources.every_one(operator):
            cluster.define([definition])
    texts = custom_resources.source(_KSERVE) / "config/llmisvcconfig"
    presets = [yaml.safe_load((texts / name).read_text(encoding="utf-8")) for name in _PRESETS]
    cluster.apply({**each, "metadata": {**each["metadata"], "namespace": namespace}} for each in presets)
    tried = {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": "LLMInferenceService",
        "spec": {"model": {"uri": "oci://tried"}},
    }
    with _controller(cluster, namespace, folder, "llmisvc", "llmisvc/manifests.yaml", tried) as controller:
        yield controller


@contextmanager
def _controller(
    cluster: Cluster, namespace: str, folder: Path, name: str, manifests: str, tried: dict[str, Any]
) -> Iterator[Background]:
    cluster.apply([_settings(namespace)])
    health, metrics, port = free_ports(3)
    authority = _certificates(folder / "k8s-webhook-server" / "serving-certs")
    command = [
        str(program(name)),
        f"--kubeconfig={cluster.kubeconfig.resolve()}",
        f"--health-probe-addr={certificates.ADDRESS}:{health}",
        f"--metrics-addr={certificates.ADDRESS}:{metrics}",
        f"--webhook-port={port}",
    ]
    # Its certificates are where the system keeps what is temporary, and its settings in its own namespace.
    variables = {"POD_NAMESPACE": namespace, "TMPDIR": str(folder.resolve())}
    controller = Background(command, folder / f"{name}.log", folder, variables)
    controller.start()
    own = f"{tried['kind'].lower()}.serving.kserve.io"
    webhooks = list(_webhooks(manifests, own, namespace, port, authority))
    try:
        _wait(cluster, webhooks, controller, {**tried, "metadata": {"name": "tried", "namespace": namespace}})
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
    """Make a certificate for the webhooks; answers that of who signed it."""
    authority = certificates.made("kserve-ca", "kserve-webhooks")
    folder.mkdir(parents=True)
    (folder / "tls.crt").write_bytes(authority.server.certificate)
    (folder / "tls.key").write_bytes(authority.server.key)
    return authority.own.certificate


def _webhooks(
    manifests: str, own: str, namespace: str, port: int, authority: bytes
) -> Iterator[dict[str, Any]]:
    """Those of the release that concern one kind, for one namespace and at our address."""
    path = custom_resources.source(_KSERVE) / "config/webhook" / manifests
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        if document is None or document["metadata"]["name"] != own:
            continue
        for each in document["webhooks"]:
            below = each["clientConfig"]["service"]["path"]
            bundle = base64.b64encode(authority).decode()
            url = f"https://{certificates.ADDRESS}:{port}{below}"
            each["clientConfig"] = {"url": url, "caBundle": bundle}
            each["namespaceSelector"] = {"matchLabels": {_NAMESPACE: namespace}}
            each["admissionReviewVersions"] = sorted({"v1", *each["admissionReviewVersions"]})
        yield {**document, "metadata": {"name": f"{namespace}.{own}"}}


def _wait(
    cluster: Cluster, webhooks: list[dict[str, Any]], controller: Background, tried: dict[str, Any]
) -> None:
    """Install the webhooks and wait until one of them answers. Raises Refused."""
    cluster.apply(webhooks)
    until = time.monotonic() + _START_SECONDS
    while True:
        done = cluster.try_kubectl("create", "--dry-run=server", "-f-", given=tried)
        if done.returncode == 0:
            return
        if time.monotonic() > until or not controller.is_running:
            raise Refused(f"KServe does not start: {done.stderr}\n{controller.last_words()}")
        time.sleep(0.5)
