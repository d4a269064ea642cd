"""Flux's own controllers for one namespace: what fetches a repository, and what applies it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.cluster import custom_resources
from scripts.cluster.cluster import Cluster
from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import program


@dataclass(frozen=True)
class Flux:
    """Both controllers."""

    source: Background
    kustomize: Background

    @property
    def last_words(self) -> str:
        """What they said last."""
        return f"{self.source.last_words()}\n{self.kustomize.last_words()}"


@contextmanager
def running(cluster: Cluster, namespace: str, folder: Path, *, watches_all: bool = False) -> Iterator[Flux]:
    """Run them while the block lasts, for what is in their namespace, or in all.

    Raises Refused, ProgramMissing and BuildFailed.
    """
    for operator in (custom_resources.FLUX_SOURCE, custom_resources.FLUX_KUSTOMIZE):  # they watch them all
        cluster.define(custom_resources.every_one(operator))
    storage = folder / "artifacts"
    storage.mkdir()
    (port,) = free_ports(1)
    artifacts = f"127.0.0.1:{port}"
    served = (f"--storage-path={storage}", f"--storage-addr={artifacts}", f"--storage-adv-addr={artifacts}")
    watched = f"--watch-all-namespaces={str(watches_all).lower()}"
    source = _controller(cluster, namespace, folder, "source-controller", watched, *served)
    # A version that never gets ready must not keep the next commit, which may roll it back, waiting.
    gates = "--feature-gates=CancelHealthCheckOnNewRevision=true"
    kustomize = _controller(cluster, namespace, folder, "kustomize-controller", watched, gates)
    source.start()
    kustomize.start()
    try:
        yield Flux(source, kustomize)
    finally:
        kustomize.stop()
        source.stop()


def _controller(cluster: Cluster, namespace: str, folder: Path, name: str, *options: str) -> Background:
    """One of them."""
    metrics, health = free_ports(2)
    command = [
        str(program(name)),
        "--enable-leader-election=false",
        f"--metrics-addr=127.0.0.1:{metrics}",
        f"--health-addr=127.0.0.1:{health}",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        *options,
    ]
    temporary = folder / f"{name}-temporary"
    temporary.mkdir()
    variables = {
        "KUBECONFIG": str(cluster.kubeconfig.resolve()),
        "RUNTIME_NAMESPACE": namespace,
        "TMPDIR": str(temporary),
    }
    return Background(command, folder / f"{name}.log", folder, variables)
