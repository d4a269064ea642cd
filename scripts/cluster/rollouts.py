"""Argo Rollouts' own controller for one namespace, with a plugin that moves the weights of routes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.cluster import custom_resources
from scripts.cluster.cluster import Cluster
from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import program

_PLUGIN = "argoproj-labs/gatewayAPI"


@contextmanager
def running(cluster: Cluster, namespace: str, folder: Path) -> Iterator[Background]:
    """Run it while the block lasts. It looks for its settings in the namespace, too.

    Raises Refused, ProgramMissing and BuildFailed.
    """
    cluster.define(custom_resources.every_one(custom_resources.ROLLOUTS))  # or it would wait for them
    plugins = [{"name": _PLUGIN, "location": f"file://{program('gatewayAPI')}"}]
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argo-rollouts-config", "namespace": namespace},
        "data": {"trafficRouterPlugins": json.dumps(plugins)},
    }
    cluster.apply([settings])
    metrics, health = free_ports(2)
    command = [
        str(program("rollouts-controller")),
        f"--kubeconfig={cluster.kubeconfig.resolve()}",
        "--namespaced",
        f"--namespace={namespace}",
        "--leader-elect=false",
        f"--metricsPort={metrics}",
        f"--healthzPort={health}",
        "--qps=200",
        "--burst=400",
    ]
    variables = {"POD_NAMESPACE": namespace, "KUBECONFIG": str(cluster.kubeconfig.resolve())}
    controller = Background(command, folder / "rollouts-controller.log", folder, variables)
    controller.start()
    try:
        yield controller
    finally:
        controller.stop()
