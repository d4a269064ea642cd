"""Kubeflow Trainer's own controller and JobSet's, with their webhooks for one namespace."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

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


#: In a pod, Trainer finds these at fixed places: here, in a view of the file system that it alone has.
_IN_A_POD = """
identity=/run/secrets/kubernetes.io/serviceaccount keys=/tmp/k8s-webhook-server/serving-certs
mount -t tmpfs tmpfs /run
mkdir -p $identity $keys
cp "$1"/* $identity/
mount --bind "$2" $keys
shift 2
exec "$@"
"""
_OF_WEBHOOKS = "kubeflow-trainer-webhook-cert"
_ISSUER = ("kubernetes.default.svc", 443)


@dataclass(frozen=True)
class Trainer:
    """Both controllers."""

    trainer: Background
    jobset: Background
    status_port: int | None = None
    """Where runs report their progress, if they can."""
    authority: Path | None = None
    """By whom that is certified."""

    @property
    def last_words(self) -> str:
        """What they said last."""
        return f"{self.trainer.last_words()}\n{self.jobset.last_words()}"


def can_hear_of_progress() -> bool:
    """Whether this machine can let a program see other files in the places that it has in a pod."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@contextmanager
def hearing(cluster: Cluster, namespace: str, folder: Path) -> Iterator[Trainer]:
    """The same, and runs can report their progress: the feature gate TrainJobStatus.

    Trainer asks the issuer of tokens by a name that means nothing here: it gets there by a proxy.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _forwarder(_api_server(cluster)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with running(cluster, namespace, folder, f"http://127.0.0.1:{server.server_port}") as found:
            yield found
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def running(cluster: Cluster, namespace: str, folder: Path, proxy: str = "") -> Iterator[Trainer]:
    """Run them while the block lasts. Raises Refused, ProgramMissing and BuildFailed."""
    for operator in (JOBSET, TRAINER):
        for definition in custom_resources.every_one(operator):  # one by one: they are large
            cluster.define([definition])
    authority = certificates.made("trainer-ca", "trainer.invalid")
    keys = _keys(folder / "k8s-webhook-server" / "serving-certs", authority.server)
    ports = dict(zip((JOBSET, TRAINER), free_ports(2), strict=True))
    jobset = _controller(cluster, folder, "jobset", _jobset_settings(ports[JOBSET], keys))
    name, settings = "trainer-controller-manager", _trainer_settings(ports[TRAINER])
    if not proxy:
        trainer, heard = _controller(cluster, folder, name, settings), Trainer
    else:
        (port,) = free_ports(1)
        settings |= {"featureGates": {"TrainJobStatus": True}, "statusServer": {"port": port}}
        identity = _identity(cluster, namespace, folder, authority)
        view = ["unshare", "--mount", "sh", "-ec", _IN_A_POD, "sh", str(identity), str(keys.resolve())]
        trainer = _controller(cluster, folder, name, settings, view, {"HTTPS_PROXY": proxy})
        (folder / "ca.crt").write_bytes(authority.own.certificate)
        heard = partial(Trainer, status_port=port, authority=folder / "ca.crt")
    webhooks = [
        each for operator in ports for each in _webhooks(operator, namespace, ports[operator], authority)
    ]
    jobset.start()
    trainer.start()
    try:
        cluster.apply(webhooks)
        _wait(cluster, namespace, Trainer(trainer, jobset))
        yield heard(trainer, jobset)
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


def _identity(cluster: Cluster, namespace: str, folder: Path, authority: certificates.Authority) -> Path:
    """What Trainer would find of itself in a pod of the namespace, where the Secret with its authority is."""
    data = {"ca.crt": base64.b64encode(authority.own.certificate).decode()}
    metadata = {"name": _OF_WEBHOOKS, "namespace": namespace}
    cluster.apply([{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}])
    place = folder / "identity"
    place.mkdir()
    (place / "namespace").write_text(namespace, encoding="utf-8")
    (place / "token").write_text(cluster.token_of(f"{namespace}/default"), encoding="utf-8")
    return place.resolve()


def _api_server(cluster: Cluster) -> tuple[str, int]:
    view = ("config", "view", "--minify", "-ojsonpath={.clusters[0].cluster.server}")
    address = urlsplit(cluster.kubectl(*view))
    return str(address.hostname), int(address.port or 443)


def _forwarder(there: tuple[str, int]) -> type[BaseHTTPRequestHandler]:
    class Forwards(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            host, _, port = self.path.rpartition(":")
            if (host, int(port)) != _ISSUER:
                self.send_error(404)
                return
            with socket.create_connection(there) as server:
                self.send_response(200)
                self.end_headers()
                ways = [(self.connection, server), (server, self.connection)]
                copies = [Thread(target=_copied, args=way, daemon=True) for way in ways]
                for each in copies:
                    each.start()
                for each in copies:
                    each.join()

        def log_message(self, *arguments: object) -> None:
            del arguments

    return Forwards


def _copied(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)


def _controller(
    cluster: Cluster,
    folder: Path,
    name: str,
    own: dict[str, Any],
    view: Sequence[str] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Background:
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
    command = [*view, str(program(name)), f"--config={path.resolve()}"]
    places = {"KUBECONFIG": str(cluster.kubeconfig.resolve()), "TMPDIR": str(folder.resolve())}
    return Background(command, folder / f"{name}.log", folder, {**places, **variables})


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
