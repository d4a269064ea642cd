"""KEDA's own operator counts servers by what a real Prometheus says, and git's other fields stay git's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.pipeline.settings import Prometheus
from aimass_compiler.render.serving import event_scaler
from scripts.cluster import keda, programs
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, declare, deployment, git
from tests.cluster.served import eventually
from tests.harness.loopback import Answers, Server
from tests.harness.prometheus import server as prometheus

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.nightly,
    pytest.mark.skipif(prometheus.PROGRAM is None, reason="no prometheus: `make nightly` builds it"),
]
ALWAYS = {"start": "* * * * *", "end": "0 0 1 1 *", "servers": 4}


@dataclass
class Load:
    """What the servers of a model say of their requests."""

    namespace: str
    in_flight: int = 0

    def scraped(self) -> str:
        return f'aimass_requests_in_flight{{model="churn",namespace="{self.namespace}"}} {self.in_flight}\n'


@pytest.fixture
def load(namespace: str) -> Load:
    return Load(namespace)


@pytest.fixture
def address(tmp_path: Path, load: Load) -> Iterator[str]:
    """A Prometheus that scrapes them every second."""

    class Handler(Answers):
        def do_GET(self) -> None:
            self.answer(200, load.scraped().encode(), Content_Type="text/plain")

    with Server(Handler) as scraped:
        target = [{"targets": [str(scraped.place)]}]
        scrape = {"job_name": "churn", "scrape_interval": "1s", "scrape_timeout": "1s", "honor_labels": True}
        folder = tmp_path / "prometheus"
        folder.mkdir()
        configuration = {"scrape_configs": [{**scrape, "static_configs": target}]}
        with prometheus.running(folder, configuration, "10s") as running:
            yield running.address


@pytest.fixture
def operated(
    tmp_path: Path, cluster: Cluster, namespace: str, build: Callable[[Sequence[str]], None]
) -> Iterator[Project]:
    """A project whose namespace KEDA watches."""
    build(programs.KEDA)
    made = Project(tmp_path, namespace, cluster.kubeconfig)
    git(tmp_path, "init", "--quiet")
    with keda.running(cluster, namespace, tmp_path) as operator:
        yield made
        assert operator.is_running, operator.last_words()


def scaled(address: str, namespace: str, replicas: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A Deployment that leaves its number to KEDA, and what KEDA is to do."""
    served = deployment("churn", replicas=1)
    del served["spec"]["replicas"]
    serving = Serving.model_validate({"replicas": replicas})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "churn"}
    asked = Prometheus(url=address)
    found = event_scaler.scaled_object("churn", serving, target, asked, namespace)
    found["spec"]["pollingInterval"] = 1  # a test does not wait for a quarter of a minute
    return served, found


def condition(cluster: Cluster, namespace: str, kind: str) -> str:
    live = cluster.get("scaledobject", "churn", namespace)
    found = {each["type"]: each["status"] for each in live.get("status", {}).get("conditions", [])}
    return str(found.get(kind, ""))


def servers(cluster: Cluster, namespace: str) -> int:
    return int(cluster.get("deployment", "churn", namespace)["spec"]["replicas"])


def test_keda_makes_an_autoscaler_of_what_is_written(
    operated: Project, cluster: Cluster, namespace: str, load: Load, address: str
) -> None:
    replicas = {"min": 2, "max": 6, "requests": 8, "schedule": [ALWAYS]}
    declare(operated, *scaled(address, namespace, replicas))
    assert operated.run("apply", "--timeout=90s").code == 0
    eventually(lambda: condition(cluster, namespace, "Ready") == "True", "it is ready")
    made = cluster.get("hpa", "keda-hpa-churn", namespace)
    assert made["metadata"]["ownerReferences"][0]["kind"] == "ScaledObject"
    assert (made["spec"]["minReplicas"], made["spec"]["maxReplicas"]) == (2, 6)
    metrics = {
        each["external"]["metric"]["name"] if "external" in each else each["resource"]["name"]: each
        for each in made["spec"]["metrics"]
    }
    assert metrics["s0-prometheus"]["external"]["target"] == {"type": "AverageValue", "averageValue": "8"}
    assert metrics["cpu"]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}
    assert any(name.startswith("s2-cron") for name in metrics)
    assert servers(cluster, namespace) == 2
    told = operated.run("drift")
    assert told.code == 0, told.document
    (place,) = operated.run("status").document["environments"]
    assert [each["health"] for each in place["models"]] == ["healthy"]
    declare(operated, deployment("churn", replicas=2))
    assert operated.run("apply", "--timeout=90s").code == 0
    eventually(lambda: cluster.objects("hpa,scaledobject", namespace) == [], "both are gone")
    assert servers(cluster, namespace) == 2


def test_none_run_without_requests_and_the_first_one_starts_a_server(
    operated: Project, cluster: Cluster, namespace: str, load: Load, address: str
) -> None:
    served, counted = scaled(address, namespace, {"min": 1, "max": 3, "requests": 8, "idle": {"after": "1m"}})
    # The add-on that counts held requests is not here: what Prometheus has stands for it.
    counted["spec"]["triggers"] = [each for each in counted["spec"]["triggers"] if each["name"] == "requests"]
    counted["spec"]["cooldownPeriod"] = 1
    declare(operated, served, counted)
    assert operated.run("apply", "--timeout=90s").code == 0
    eventually(lambda: condition(cluster, namespace, "Active") == "False", "no request is seen")
    eventually(lambda: servers(cluster, namespace) == 0, "no server runs")
    (place,) = operated.run("status").document["environments"]
    assert [each["health"] for each in place["models"]] == ["healthy"], "none is right"
    assert operated.run("apply", "--timeout=90s").code == 0
    assert servers(cluster, namespace) == 0
    load.in_flight = 5
    eventually(lambda: condition(cluster, namespace, "Active") == "True", "requests are seen")
    eventually(lambda: servers(cluster, namespace) == 1, "a server runs")
    load.in_flight = 0
    eventually(lambda: servers(cluster, namespace) == 0, "no server runs")
