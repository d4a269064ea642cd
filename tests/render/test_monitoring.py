"""Alerts follow from the objectives, and everything that is watched is exported by the server."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from aimass_compiler import conventions
from aimass_compiler.render import render
from aimass_compiler.render.naming import serving_selector
from render.files import read
from render.models import HOSTILE, VARIED, pipeline

PLAIN = render(pipeline())


def alerts(files: dict[str, bytes], name: str, environment: str = "prod") -> list[dict[str, Any]]:
    groups = read(files, f"overlays/{environment}/monitoring/prometheusrule.yaml")["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"] if rule.get("alert") == name]


def with_objectives(**objectives: Any) -> dict[str, bytes]:
    return render(pipeline({"serving": {"objectives": objectives}}))


def burns(files: dict[str, bytes], objective: str) -> dict[str, set[tuple[str, float]]]:
    """severity → the windows and thresholds that its alert compares."""
    return {
        alert["labels"]["severity"]: {
            (window, float(limit))
            for window, limit in re.findall(r"bad_ratio_rate(\w+)\{[^}]*\} > ([0-9.e-]+)", alert["expr"])
        }
        for alert in alerts(files, "ModelBudgetBurn")
        if alert["labels"]["objective"] == objective
    }


def test_burn_rates_are_those_of_the_workbook() -> None:
    assert burns(PLAIN, "availability") == {
        "page": {("5m", 0.0144), ("1h", 0.0144), ("30m", 0.006), ("6h", 0.006)},
        "ticket": {("2h", 0.003), ("1d", 0.003), ("6h", 0.001), ("3d", 0.001)},
    }


def test_a_softer_objective_allows_more() -> None:
    assert ("1h", 0.144) in burns(with_objectives(availability="99%"), "availability")["page"]


def test_each_latency_objective_is_watched_at_the_end_of_its_bucket() -> None:
    files = with_objectives(latency={"p50": "5ms", "p99": "60ms"})
    for percentile, end in (("p50", 0.005), ("p99", 0.1)):
        records = recordings(files, f"aimass:latency_{percentile}:")
        assert records
        assert all(f'le="{end}"' in record for record in records)
    assert not recordings(files, "aimass:latency_p95:")


def recordings(files: dict[str, bytes], prefix: str) -> list[str]:
    groups = read(files, "overlays/prod/monitoring/prometheusrule.yaml")["spec"]["groups"]
    return [
        rule["expr"]
        for group in groups
        for rule in group["rules"]
        if rule.get("record", "").startswith(prefix)
    ]


def test_an_objective_that_allows_no_failure_has_no_alert() -> None:
    assert not burns(with_objectives(availability="100%"), "availability")


def test_where_an_outage_is_no_fast_burn_there_are_only_tickets() -> None:
    assert set(burns(with_objectives(availability="50%"), "availability")) == {"ticket"}


def test_drift_opens_a_ticket_and_then_calls_somebody() -> None:
    files = render(pipeline({"monitoring": {"drift": {"warn": 0.15, "page": 0.4, "rows": 123}}}))
    limits = {alert["labels"]["severity"]: alert["expr"].split()[-1] for alert in alerts(files, "ModelDrift")}
    assert limits == {"ticket": "0.15", "page": "0.4"}
    assert all(">= 123" in alert["expr"] for alert in alerts(files, "ModelDrift"))


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("ModelAbsent", "page"),
        ("ModelServerDown", "ticket"),
        ("ModelSaturated", "ticket"),
        ("ModelIdle", "ticket"),
        ("ModelContractViolated", "ticket"),
    ],
)
def test_servers_and_callers_are_watched(name: str, severity: str) -> None:
    (alert,) = alerts(PLAIN, name)
    assert alert["labels"] == {"severity": severity, "model": "churn", "environment": "prod"}
    assert alert["annotations"]["runbook_url"] == "https://wiki.example.com/churn"


def test_every_metric_of_the_conventions_is_watched_and_no_other() -> None:
    exported = {value for name, value in vars(conventions).items() if name.startswith("METRIC_")}
    watching = [text.decode() for path, text in PLAIN.items() if "monitoring/" in path]
    watched = {name for text in watching for name in re.findall(r"\baimass_[a-z_]+", text)}
    assert {re.sub("_(bucket|count)$", "", name) for name in watched} == exported


def test_each_environment_asks_for_its_own_namespace() -> None:
    for environment in ("dev", "staging", "prod"):
        text = PLAIN[f"overlays/{environment}/monitoring/prometheusrule.yaml"].decode()
        assert set(re.findall(r'namespace="([^"]+)"', text)) == {f"ml-{environment}"}


def test_prometheus_finds_the_service_and_scrapes_it_once() -> None:
    monitor = read(PLAIN, "base/monitoring/servicemonitor.yaml")
    assert monitor["metadata"]["labels"] == {"release": "kube-prometheus-stack"}
    assert monitor["spec"]["selector"]["matchLabels"] == serving_selector("churn")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == (conventions.PORT_NAME, conventions.METRICS_PATH)


def test_the_rule_file_for_promtool_holds_the_rules_that_are_deployed() -> None:
    deployed = read(PLAIN, "overlays/dev/monitoring/prometheusrule.yaml")["spec"]
    assert read(PLAIN, "monitoring/dev.rules.yaml") == deployed


def test_every_alert_has_a_scenario_that_raises_it_and_one_that_does_not() -> None:
    tests = read(PLAIN, "monitoring/prod.test.yaml")["tests"]
    told = [
        (check["alertname"], alert["exp_labels"]["severity"])
        for test in tests
        for check in test["alert_rule_test"]
        for alert in check["exp_alerts"]
    ]
    groups = read(PLAIN, "monitoring/prod.rules.yaml")["groups"]
    declared = {
        (rule["alert"], rule["labels"]["severity"])
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
    }
    assert set(told) == declared
    silent = [check["alertname"] for check in tests[0]["alert_rule_test"] if not check["exp_alerts"]]
    assert set(silent) == {name for name, _ in declared}


def test_dashboards_of_models_and_environments_are_apart() -> None:
    other = render(pipeline({"metadata": {"name": "fraud"}}))
    boards = [
        json.loads(files[f"overlays/{environment}/monitoring/dashboard.json"])
        for files in (PLAIN, other)
        for environment in ("dev", "prod")
    ]
    assert len({board["uid"] for board in boards}) == len(boards)
    assert all(len(board["uid"]) <= 40 for board in boards)  # Grafana refuses longer ones


def test_panels_do_not_overlap_and_ask_the_chosen_datasource() -> None:
    panels = json.loads(PLAIN["overlays/dev/monitoring/dashboard.json"])["panels"]
    corners = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(corners) == len(panels)
    assert {target["datasource"]["uid"] for panel in panels for target in panel["targets"]} == {
        "${datasource}"
    }


@pytest.mark.parametrize("address", [*HOSTILE, *(f"https://wiki.example.com/{text}" for text in HOSTILE[:7])])
def test_a_runbook_is_no_template(address: str) -> None:
    with pytest.raises(ValidationError, match="is not the address of a page"):
        pipeline({"monitoring": {"runbook": address}})


@pytest.mark.parametrize("name", VARIED)
def test_every_file_but_the_images_is_yaml_or_json(name: str) -> None:
    for path, text in render(VARIED[name]).items():
        if not path.startswith("image/"):
            assert json.loads(text) if path.endswith(".json") else yaml.safe_load(text)
