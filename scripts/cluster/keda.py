"""KEDA's own operator for one namespace; what it would tell autoscalers, it tells nobody here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.cluster import certificates, custom_resources
from scripts.cluster.cluster import Cluster
from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import program


@contextmanager
def running(cluster: Cluster, namespace: str, folder: Path) -> Iterator[Background]:
    """Run it while the block lasts. Raises Refused, ProgramMissing and BuildFailed."""
    for definition in custom_resources.every_one(custom_resources.KEDA):  # it watches them all
        cluster.define([definition])
    metrics, health, service = free_ports(3)
    authority = certificates.made("keda-ca", f"keda-operator.{namespace}.svc")
    keys = folder / "keda-certificates"
    keys.mkdir()
    (keys / "ca.crt").write_bytes(authority.own.certificate)
    (keys / "tls.crt").write_bytes(authority.server.certificate)
    (keys / "tls.key").write_bytes(authority.server.key)
    command = [
        str(program("keda-operator")),
        f"--kubeconfig={cluster.kubeconfig.resolve()}",
        f"--metrics-bind-address=127.0.0.1:{metrics}",
        f"--health-probe-bind-address=127.0.0.1:{health}",
        f"--metrics-service-bind-address=127.0.0.1:{service}",
        f"--cert-dir={keys.resolve()}",
    ]
    variables = {
        "WATCH_NAMESPACE": namespace,
        "POD_NAMESPACE": namespace,
        "KEDA_CLUSTER_OBJECT_NAMESPACE": namespace,
        "KUBECONFIG": str(cluster.kubeconfig.resolve()),
    }
    operator = Background(command, folder / "keda-operator.log", folder, variables)
    operator.start()
    try:
        yield operator
    finally:
        operator.stop()
