"""KubeRay's own operator for one namespace; what it asks of Ray's dashboards is answered here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from scripts.cluster import custom_resources
from scripts.cluster.cluster import Cluster
from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import program


@dataclass
class Dashboard:
    """What Ray would say of the only job that was submitted."""

    status: str = "PENDING"
    asked: list[str] = field(default_factory=list)
    """The addresses that the operator asked, each as often as it did."""

    def answer(self, address: str) -> bytes | None:
        """Of a job, what Ray's API says of it (https://docs.ray.io/en/latest/cluster/running-applications/)."""
        self.asked.append(address)
        submission = address.partition("/api/jobs/")[2]
        if not submission:
            return None
        told = {"type": "SUBMISSION", "submission_id": submission, "job_id": "01000000", "entrypoint": ""}
        return json.dumps({**told, "status": self.status, "message": ""}).encode()


@dataclass(frozen=True)
class Running:
    """The operator, and the dashboard of its clusters."""

    operator: Background
    dashboard: Dashboard


@contextmanager
def running(cluster: Cluster, namespace: str, folder: Path) -> Iterator[Running]:
    """Run it while the block lasts.

    Names of services mean nothing on this machine: it reaches dashboards by a proxy, which is the dashboard.
    Raises Refused, ProgramMissing and BuildFailed.
    """
    for definition in custom_resources.every_one(custom_resources.KUBERAY):  # it watches them all
        cluster.define([definition])  # one by one: they are large, and an API server gives up after a minute
    health, port = free_ports(2)
    command = [
        str(program("ray-operator")),
        f"--kubeconfig={cluster.kubeconfig.resolve()}",
        f"--watch-namespace={namespace}",
        "--enable-leader-election=false",
        "--metrics-addr=0",
        f"--health-probe-bind-address=127.0.0.1:{health}",
    ]
    dashboard = Dashboard()
    variables = {
        "HTTP_PROXY": f"http://127.0.0.1:{port}",
        "NO_PROXY": "",
        "POD_NAMESPACE": namespace,
        # What submits a job ends at once here, and half a minute after it KubeRay would give the job up.
        "RAYJOB_DEPLOYMENT_STATUS_TRANSITION_GRACE_PERIOD_SECONDS": "3600",
    }
    operator = Background(command, folder / "ray-operator.log", folder, variables)
    with _served(dashboard, port):
        operator.start()
        try:
            yield Running(operator, dashboard)
        finally:
            operator.stop()


@contextmanager
def _served(dashboard: Dashboard, port: int) -> Iterator[None]:
    class Asked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = dashboard.answer(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(content or b"{}")

        def log_message(self, *arguments: object) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", port), Asked)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
