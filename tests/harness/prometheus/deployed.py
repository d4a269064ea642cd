"""A model as it is deployed in an environment: its built manifests, its replicas here, Prometheus on both."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pipeline.projects import wait_until
from server.serving import HOST, Server, serving

from aimass_compiler import conventions
from tests.harness.prometheus import server as prometheus
from tests.harness.prometheus.clock import faster, faster_rules
from tests.harness.prometheus.discovery import Pod, scrape_config
from tests.harness.prometheus.server import Prometheus

#: The period in which Prometheus looks at rules where nothing else is set, and how long a sample is good for.
_EVALUATION, _LOOKBACK = "30s", "5m"


#: Requests that a server takes at once.
_ROOM = 16


@dataclass(frozen=True)
class Manifests:
    """What kustomize builds of one overlay."""

    objects: list[dict[str, Any]]

    @classmethod
    def built(cls, overlay: Path) -> Manifests:
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        found = subprocess.run(
            ["kubectl", "kustomize", overlay],
            env=os.environ | {"PATH": path},
            capture_output=True,
            check=True,
        )
        return cls(list(yaml.safe_load_all(found.stdout)))

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.all(kind)
        return found

    @property
    def limits(self) -> dict[str, str]:
        """The variables that the servers are started with."""
        (found,) = [
            each["data"] for each in self.all("ConfigMap") if "dashboard" not in each["metadata"]["name"]
        ]
        return dict(found)

    @property
    def dashboards(self) -> list[dict[str, Any]]:
        maps = [each for each in self.all("ConfigMap") if each["metadata"]["labels"].get("grafana_dashboard")]
        return [json.loads(text) for each in maps for text in each["data"].values()]


@dataclass(frozen=True)
class Deployed:
    """What runs."""

    manifests: Manifests
    servers: list[Server]
    prometheus: Prometheus
    times: float
    """How much faster than others this deployment lives."""
    pods: list[Pod] = field(default_factory=list)

    @property
    def ports(self) -> list[int]:
        return [server.port for server in self.servers]


@contextmanager
def deployed(manifests: Manifests, package: Path, folder: Path, times: float) -> Iterator[Deployed]:
    """Two replicas with the limits of the environment, scraped as its PodMonitor has it.

    They take fewer requests at once than those of the environment, so that few callers can fill them.
    """
    window = conventions.VARIABLE_DRIFT_WINDOW_SECONDS
    limits = manifests.limits
    limits[window] = str(float(limits[window]) / times)
    limits[conventions.VARIABLE_CONCURRENCY] = str(_ROOM)
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(package, **limits)) for _ in range(2)]
        name = manifests.one("Deployment")["metadata"]["name"]
        pods = [
            Pod(f"{name}-5d4f8c7b9-{end}", f"{HOST}:{server.port}")
            for end, server in zip(("x2x7k", "zq9wd"), servers, strict=True)
        ]
        rules = folder / "rules.yaml"
        rules.write_text(json.dumps(faster_rules(manifests.one("PrometheusRule")["spec"], times)))
        period = faster(_EVALUATION, times)
        configuration = {
            "global": {"scrape_interval": period, "scrape_timeout": period, "evaluation_interval": period},
            "scrape_configs": [
                scrape_config(manifests.one("PodMonitor"), manifests.one("Deployment"), pods, times)
            ],
        }
        lookback = faster(_LOOKBACK, times)
        watching = stack.enter_context(prometheus.running(folder, configuration, lookback))
        # It has known the model for longer than it takes to find a target, which no clock makes faster.
        wait_until(lambda: len(watching.query("up == 1")) == len(servers))
        watching.follow(rules)
        yield Deployed(manifests, servers, watching, times, pods)
