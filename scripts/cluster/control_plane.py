"""etcd and the programs of Kubernetes on the loopback interface, each of which can be stopped alone."""

from __future__ import annotations

import json
import secrets
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts.cluster import programs
from scripts.cluster.processes import Background, free_ports

_START_SECONDS = 120
_PAUSE = 0.1
_STAGES = Path(__file__).parent / "stages.yaml"
_NODE_NAME = "node-1"
_NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": _NODE_NAME,
        "annotations": {"kwok.x-k8s.io/node": "fake"},
        "labels": {
            "kubernetes.io/hostname": _NODE_NAME,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
        },
    },
    "status": {
        resources: {
            "cpu": "256",
            "memory": "2Ti",
            "ephemeral-storage": "10Ti",
            "pods": "5000",
            "nvidia.com/gpu": "64",
        }
        for resources in ("capacity", "allocatable")
    },
}


class NotReady(Exception):  # noqa: N818  # what a program did not do, not an error of ours
    """A program of the control plane ended or did not get ready; the message has its last words."""


class ControlPlane:
    """A cluster of its own in `folder`; ports, keys, tokens and data stay over restarts.

    The programs end with the process that started them. Constructing raises what `programs.program` raises.
    """

    def __init__(self, folder: Path, *, has_controllers: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self.volume = folder / "volume"
        self.certificate = folder / "certificates" / "apiserver.crt"
        self.key = folder / "certificates" / "apiserver.key"
        clients, peers, port = free_ports(3)
        self.address = f"https://127.0.0.1:{port}"
        self.token = secrets.token_hex(16)
        self._database = f"http://127.0.0.1:{clients}"
        self.etcd = self._background("etcd", self._etcd_options(peers))
        self._api_server_options = self._options(port)
        self.api_server = self._background("kube-apiserver", self._api_server_options)
        self.controllers = self._controllers() if has_controllers else []

    def _background(self, name: str, options: list[str]) -> Background:
        return Background([str(programs.program(name)), *options], self.folder / f"{name}.log")

    def _etcd_options(self, peers: int) -> list[str]:
        peer = f"http://127.0.0.1:{peers}"
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self._database}",
            f"--advertise-client-urls={self._database}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",  # what is in it need not outlive a crash of the machine
            "--log-level=warn",
        ]

    def _options(self, port: int) -> list[str]:
        return [
            f"--etcd-servers={self._database}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",  # it would complain of a loopback address
            f"--secure-port={port}",
            f"--cert-dir={self.certificate.parent}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.key}",
            f"--service-account-signing-key-file={self.key}",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--shutdown-delay-duration=0s",
            "--profiling=false",
            "--feature-gates=ImageVolume=true",  # pods that mount packages; on by default from 1.35
        ]

    def _controllers(self) -> list[Background]:
        reach = f"--kubeconfig={self.kubeconfig}"
        quick = ["--kube-api-qps=500", "--kube-api-burst=1000", "--leader-elect=false", "--secure-port=0"]
        # On a busy machine kwok is late to say that its node lives; pods of a dead one never get ready again.
        patient = ["--node-monitor-grace-period=24h"]
        keys = [f"--service-account-private-key-file={self.key}", f"--root-ca-file={self.certificate}"]
        return [
            self._background("kube-controller-manager", [reach, *quick, *keys, *patient]),
            self._background("kube-scheduler", [reach, *quick]),
            self._background("kwok", self._kwok_options(reach)),
        ]

    def _kwok_options(self, reach: str) -> list[str]:
        """What kwok is started with. What is executed in a pod runs here, in the one folder `volume`."""
        self.volume.mkdir(exist_ok=True)
        execute = self.folder / "execute.yaml"
        place = {"execs": [{"local": {"workDir": str(self.volume)}}]}
        kind = {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterExec", "metadata": {"name": "all"}}
        execute.write_text(json.dumps({**kind, "spec": place}), encoding="utf-8")
        (port,) = free_ports(1)
        kubelet = ["--node-ip=127.0.0.1", f"--node-port={port}", f"--server-address=127.0.0.1:{port}"]
        return [reach, "--manage-all-nodes", *kubelet, f"--config={_STAGES}", f"--config={execute}"]

    def start(self, *options: str) -> None:
        """Start everything and wait until it is ready. `options` are further ones of the API server.

        Raises NotReady.
        """
        self.certificate.parent.mkdir(exist_ok=True)
        tokens = self.folder / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(f'{self.token},admin,admin,"system:masters"\n', encoding="utf-8")
        self.etcd.start()
        self.start_api_server(*options)
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(self.kubeconfig_of(self.token), indent=1), encoding="utf-8")
        if self.controllers:
            self._ask("/api/v1/nodes", _NODE)
            for controller in self.controllers:
                controller.start()
            self._wait_for(self._has_node, self.controllers)

    def start_api_server(self, *options: str) -> None:
        """Start the API server, perhaps with other options than before, and wait until it is ready."""
        if options:
            self.api_server.command[1:] = [*self._api_server_options, *options]
        self.api_server.start()
        self.wait()

    def restart_api_server(self, *options: str) -> None:
        """Stop the API server in order and start it again, on the same port with the same data."""
        self.api_server.stop()
        self.start_api_server(*options)

    def wait(self, seconds: float = _START_SECONDS) -> None:
        """Wait until the API server is ready. Raises NotReady."""
        self._wait_for(self.is_ready, (self.etcd, self.api_server), seconds)

    def _wait_for(
        self, happened: Callable[[], bool], programs: Sequence[Background], seconds: float = _START_SECONDS
    ) -> None:
        """Wait until something happened that all these programs are needed for."""
        end = time.monotonic() + seconds
        while not happened():
            for program in programs:
                if not program.is_running:
                    raise NotReady(f"{program.command[0]} ended:\n{program.last_words()}")
            if time.monotonic() > end:
                raise NotReady(f"not ready after {seconds:.0f} s:\n{programs[-1].last_words()}")
            time.sleep(_PAUSE)

    def is_ready(self) -> bool:
        """Whether the API server answers that it is ready."""
        try:
            return self._ask("/readyz") == b"ok"
        except OSError:  # urllib's errors are such, too
            return False

    def _has_node(self) -> bool:
        """Whether kwok says for the node that it is ready, and the controllers take pods to it."""
        node = json.loads(self._ask(f"/api/v1/nodes/{_NODE_NAME}"))
        conditions = {told["type"]: told["status"] for told in node["status"].get("conditions", ())}
        return conditions.get("Ready") == "True" and not node["spec"].get("taints")

    def _ask(self, path: str, posted: object = None) -> bytes:
        body = None if posted is None else json.dumps(posted).encode()
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.address + path, data=body, headers=headers)  # noqa: S310  # https
        trust = ssl.create_default_context(cafile=str(self.certificate))
        with urllib.request.urlopen(request, timeout=5, context=trust) as answer:  # noqa: S310  # https
            content: bytes = answer.read()
        return content

    def kubeconfig_of(self, token: str, namespace: str = "default") -> dict[str, object]:
        """A kubeconfig for whoever holds this token."""
        cluster = {"server": self.address, "certificate-authority": str(self.certificate)}
        return kubeconfig(cluster, token, namespace)

    def stop(self) -> None:
        """End everything, the API server before its database."""
        for program in (*reversed(self.controllers), self.api_server, self.etcd):
            program.stop()

    def end(self) -> None:
        """Stop everything and remove what was stored; the logs stay."""
        self.stop()
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)


def kubeconfig(cluster: dict[str, str], token: str, namespace: str = "default") -> dict[str, object]:
    """A kubeconfig with one cluster and one user, who has a token; JSON is YAML."""
    context = {"cluster": "test", "user": "test", "namespace": namespace}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": context}],
        "current-context": "test",
    }
