"""Kubeflow Trainer's own controller and JobSet's, with their webhooks for one namespace."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.cluster import certificates, custom_resources
from scripts.cluster.cluster import Cluster, Refused
from scripts.cluster.custom_resources import JOBSET, TRAINER, Operator
from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import program

_NAMESPACE = "kubernetes.io/metadata.name"
_START_SECONDS = 60
_PAUSE = 0.2
_WEBHOOKS = {
    JOBSET: "config/components/webhook/manifests.yaml",
    TRAINER: "manifests/base/webhook/manifests.yaml",
}


@dataclass(frozen=True)
class Trainer:
    """Both controllers."""

    trainer: Background
    jobset: Background

    @property
    def last_words(self) -> str:
        """What they said last."""
        return f"{self.trainer.last_words()}\n{self.jobset.last_words()}"


@contextmanager
def running(cluster: Cluster, namespace: str, folder: Path) -> Iterator[Trainer]:
    """Run them while the block lasts. Raises Refused, ProgramMissing and BuildFailed."""
    for operator in (JOBSET, TRAINER):
        for definition in custom_resources.every_one(operator):  # one by one: they are large
            cluster.define([definition])
    authority = certificates.made("trainer-ca", "trainer.invalid")
    keys = _keys(folder / "k8s-webhook-server" / "serving-certs", authority.server)
    ports = dict(zip((JOBSET, TRAINER), free_ports(2), strict=True))
    jobset = _controller(cluster, folder, "jobset", _jobset_settings(ports[JOBSET], keys))
    trainer = _controller(cluster, folder, "trainer-controller-manager", _trainer_settings(ports[TRAINER]))
    webhooks = [
        each for operator in ports for each in _webhooks(operator, namespace, ports[operator], authority)
    ]
    jobset.start()
    trainer.start()
    try:
        cluster.apply(webhooks)
        _wait(cluster, namespace, Trainer(trainer, jobset))
        yield Trainer(trainer, jobset)
    finally:
        for each in webhooks:
            cluster.try_kubectl("delete", each["kind"], each["metadata"]["name"])
        trainer.stop()
        jobset.stop()


def _keys(folder: Path, server: certificates.Certificate) -> Path:
    folder.mkdir(parents=True)
    (folder / "tls.crt").write_bytes(server.certificate)
    (folder / "tls.key").write_bytes(server.key)
    return folder


def _jobset_settings(port: int, keys: Path) -> dict[str, Any]:
    return {
        "apiVersion": "config.jobset.x-k8s.io/v1alpha1",
        "webhook": {"host": certificates.ADDRESS, "port": port, "certDir": str(keys.resolve())},
        "internalCertManagement": {"enable": False},
    }


def _trainer_settings(port: int) -> dict[str, Any]:
    """Its certificates are where the system keeps what is temporary."""
    return {
        "apiVersion": "config.trainer.kubeflow.org/v1alpha1",
        "webhook": {"host": certificates.ADDRESS, "port": port},
        "certManagement": {"enable": False},
    }


def _controller(cluster: Cluster, folder: Path, name: str, own: dict[str, Any]) -> Background:
    health, metrics = free_ports(2)
    settings = {
        "kind": "Configuration",
        "health": {"healthProbeBindAddress": f"{certificates.ADDRESS}:{health}"},
        "metrics": {"bindAddress": f"{certificates.ADDRESS}:{metrics}"},
        "leaderElection": {"leaderElect": False},
        "clientConnection": {"qps": 500, "burst": 1000},
        **own,
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(settings), encoding="utf-8")
    command = [str(program(name)), f"--config={path.resolve()}"]
    variables = {"KUBECONFIG": str(cluster.kubeconfig.resolve()), "TMPDIR": str(folder.resolve())}
    return Background(command, folder / f"{name}.log", folder, variables)


def _webhooks(
    operator: Operator, namespace: str, port: int, authority: certificates.Authority
) -> Iterator[dict[str, Any]]:
    """Those of the release, for one namespace and at our address."""
    path = custom_resources.source(operator) / _WEBHOOKS[operator]
    bundle = base64.b64encode(authority.own.certificate).decode()
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        if document is None:
            continue
        for each in document["webhooks"]:
            below = each["clientConfig"]["service"]["path"]
            url = f"https://{certificates.ADDRESS}:{port}{below}"
            each["clientConfig"] = {"url": url, "caBundle": bundle}
            each["namespaceSelector"] = {"matchLabels": {_NAMESPACE: namespace}}
        name = f"{namespace}.{port}.{document['metadata']['name']}"
        yield {**document, "metadata": {"name": name}}


def _wait(cluster: Cluster, namespace: str, running: Trainer) -> None:
    """Wait until the webhooks of both answer. Raises Refused."""
    tried = [
        {
            "apiVersion": "jobset.x-k8s.io/v1alpha2",
            "kind": "JobSet",
            "metadata": {"name": "tried", "namespace": namespace},
            "spec": {"replicatedJobs": []},
        },
        {
            "apiVersion": "trainer.kubeflow.org/v1alpha1",
            "kind": "TrainingRuntime",
            "metadata": {"name": "tried", "namespace": namespace},
            "spec": {"template": {"spec": {"replicatedJobs": []}}},
        },
    ]
    end = time.monotonic() + _START_SECONDS
    while (done := cluster.try_kubectl("create", "--dry-run=server", "-f-", given=tried)).returncode != 0:
        if time.monotonic() > end:
            raise Refused(f"{done.stderr}\n{running.last_words}")
        time.sleep(_PAUSE)
