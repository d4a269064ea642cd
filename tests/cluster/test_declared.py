"""A real Prometheus finds what models of a fleet declare in the cluster, and forgets what is withdrawn."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline.projects import wait_until
from render.models import pipeline

from aimass_compiler import conventions
from aimass_compiler.fleet.monitoring.records import record_groups
from aimass_compiler.fleet.monitoring.targets import scrape_config
from aimass_compiler.render import render
from scripts.cluster.cluster import Cluster
from tests.harness.prometheus import server as prometheus
from tests.harness.releases import released

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.nightly,
    pytest.mark.skipif(
        prometheus.PROGRAM is None, reason="no prometheus: `make nightly` builds it where there is Go"
    ),
]


def as_prometheus_has_it(found: dict[str, Any], kubeconfig: Path, namespace: str) -> dict[str, Any]:
    """The scrape configuration that the operator writes of a ScrapeConfig, for one namespace, and often."""
    spec = found["spec"]
    (discovery,) = spec["kubernetesSDConfigs"]
    selectors = [{**each, "role": each["role"].lower()} for each in discovery["selectors"]]
    renamed = [{"source_labels": ["job"], "target_label": "__tmp_prometheus_job_name"}]
    own = {"target_label": "job", "replacement": spec["jobName"]}
    return {
        "job_name": f"scrapeConfig/monitoring/{found['metadata']['name']}",
        "scrape_interval": "1s",
        "metrics_path": spec["metricsPath"],
        "params": spec["params"],
        "kubernetes_sd_configs": [
            {
                "role": discovery["role"].lower(),
                "kubeconfig_file": str(kubeconfig),
                "selectors": selectors,
                "namespaces": {"names": [namespace]},
            }
        ],
        "relabel_configs": [*renamed, own, *map(in_snake_case, spec["relabelings"])],
    }


def in_snake_case(found: dict[str, Any]) -> dict[str, Any]:
    named = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower(): value for key, value in found.items()}
    return {key: value.lower() if key == "action" else value for key, value in named.items()}


def declared(watching: prometheus.Prometheus) -> dict[str, dict[str, str]]:
    """The labels of each model that Prometheus knows."""
    found = [each["metric"] for each in watching.query(conventions.SERIES_DECLARED)]
    return {each["model"]: each for each in found}


def test_services_say_what_models_promise_until_they_go(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    fleet = {"monitoring": {"rules": "fleet"}}
    built = pipeline({"metadata": {"owner": 'growth "&" co'}}, settings=fleet)
    overlay = released(tmp_path, built.name, render(built)) / "overlays/prod"
    objects = yaml.safe_load_all(cluster.kubectl("kustomize", str(overlay)))
    (service,) = (each for each in objects if each["kind"] == "Service")
    assert service["metadata"]["labels"][conventions.LABEL_ENVIRONMENT] == "prod"
    service["metadata"]["namespace"] = namespace
    other = {**service, "metadata": {**service["metadata"], "name": "other", "annotations": {}}}
    cluster.apply([service, other])
    cluster.create_custom_resource_definitions("ScrapeConfig")
    config = scrape_config("aimass-fleet", {})
    cluster.kubectl("apply", "--server-side", "--dry-run=server", f"-n{namespace}", "-f-", given=[config])
    rules = tmp_path / "rules.yaml"
    groups = [{**group, "interval": "1s"} for group in record_groups()]
    rules.write_text(json.dumps({"groups": groups}))
    scraped = as_prometheus_has_it(config, Path(cluster.kubeconfig), namespace)
    configuration = {"global": {"evaluation_interval": "1s"}, "scrape_configs": [scraped]}
    with prometheus.running(tmp_path, configuration, "5s") as watching:
        scraped["relabel_configs"][-1]["replacement"] = watching.address.removeprefix("http://")
        watching.configuration.write_text(json.dumps(configuration))
        watching.follow(rules)
        wait_until(lambda: declared(watching).keys() == {"churn"})
        labels = declared(watching)["churn"]
        assert (labels["namespace"], labels["environment"]) == (namespace, "prod")
        assert (labels["owner"], labels["budget"]) == ('growth "&" co', "0.001")
        wait_until(lambda: [each["value"][1] for each in watching.query("up")] == ["1"])
        limits = watching.query('aimass:drift_limit{severity="page"}')
        assert [each["value"][1] for each in limits] == [labels["drift_page"]]
        cluster.kubectl("delete", "service", "churn", f"--namespace={namespace}")
        wait_until(lambda: declared(watching) == {})
