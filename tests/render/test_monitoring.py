"""Alerts follow from the objectives, and everything that is watched is exported by the server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from aimass_compiler import conventions, drift_methods
from aimass_compiler.render import render
from aimass_compiler.render.monitoring.rule_files import rule_files
from aimass_compiler.render.names import serving_selector
from render.files import kustomization, one, read
from render.models import HOSTILE, VARIED, pipeline

PLAIN = render(pipeline())
REGRESSION = {"task": {"kind": "regression", "target": "charges", "classes": []}}
RULE_FILES = rule_files(pipeline())


def alerts(files: dict[str, bytes], name: str, environment: str = "prod") -> list[dict[str, Any]]:
    groups = one(files, f"overlays/{environment}", "PrometheusRule")["spec"]["groups"]
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
    groups = one(files, "overlays/prod", "PrometheusRule")["spec"]["groups"]
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


@pytest.mark.parametrize("method", drift_methods.methods(), ids=lambda method: method.name)
def test_alerts_boards_and_server_measure_drift_alike(method: drift_methods.DriftMethod) -> None:
    """By the limits of the method, where none are written."""
    files = render(pipeline({"monitoring": {"drift": {"method": method.name}}}))
    limits = {f"{method.warn:g}", f"{method.page:g}"}
    assert {alert["expr"].split()[-1] for alert in alerts(files, "ModelDrift")} == limits
    assert all(f"  {method.series}{{" in alert["expr"] for alert in alerts(files, "ModelDrift"))
    assert all(method.shown in alert["annotations"]["description"] for alert in alerts(files, "ModelDrift"))
    assert f"({method.series}{{" in files["base/dashboard.json"].decode()
    server = files["base/server.yaml"].decode()
    assert (conventions.VARIABLE_DRIFT_METHOD in server) == (method.name != drift_methods.USUAL)


def test_an_environment_has_the_limits_of_its_own_method() -> None:
    prod = {"monitoring": {"drift": {"method": "ks"}}}
    made = pipeline({"monitoring": {"drift": {"warn": 0.15}}}, overrides={"prod": prod})
    here = made.environments["prod"].monitoring.drift
    assert (here.warn, here.page) == (0.15, drift_methods.method("ks").page)


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
    exported.add(drift_methods.method(drift_methods.USUAL).series)
    exported -= {conventions.METRIC_MODEL_LOADED, conventions.METRIC_MODEL_MEMORY}  # of shared servers
    watching = [
        text.decode()
        for files in (
            PLAIN,
            render(pipeline(REGRESSION)),
            render(VARIED["language-on-cpus"]),
            render(VARIED["callers"]),
        )
        for path, text in files.items()
        if path.endswith(("/alerts.yaml", "/dashboard.json"))
    ]
    watched = {name for text in watching for name in re.findall(r"\baimass_[a-z_]+", text)}
    of_text = {name for name in exported if not name.startswith("aimass_")}
    wanted = exported - of_text | {f"aimass_{name}" for name in of_text}
    assert {re.sub("_(bucket|count)$", "", name) for name in watched} == wanted


def test_each_environment_asks_for_its_own_namespace() -> None:
    for environment in ("dev", "staging", "prod"):
        text = PLAIN[f"overlays/{environment}/alerts.yaml"].decode()
        assert set(re.findall(r'namespace="([^"]+)"', text)) == {f"ml-{environment}"}


def test_prometheus_finds_each_server_once() -> None:
    monitor = one(PLAIN, "base", "PodMonitor")
    assert monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert monitor["spec"]["selector"]["matchLabels"] == serving_selector("churn")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert monitor["spec"]["jobLabel"] == conventions.LABEL_NAME  # by which the alerts know `up`
    assert (endpoint["port"], endpoint["path"]) == (conventions.PORT_NAME, conventions.METRICS_PATH)


def test_what_promtool_checks_are_the_rules_that_are_deployed() -> None:
    for environment in ("dev", "staging", "prod"):
        deployed = read(PLAIN, f"overlays/{environment}/alerts.yaml")["spec"]
        assert read(RULE_FILES, f"{environment}.rules.yaml") == deployed


def panels(files: Mapping[str, bytes], folder: str = "base") -> dict[str, dict[str, Any]]:
    found = json.loads(files[f"{folder}/dashboard.json"])["panels"]
    return {panel["title"]: panel for panel in found}


def test_one_dashboard_shows_the_environment_that_the_viewer_chooses() -> None:
    board = json.loads(PLAIN["base/dashboard.json"])
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "namespace"]
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    chosen = {namespace for query in asked for namespace in re.findall('namespace="([^"]+)"', query)}
    assert chosen == {"$namespace"}
    assert not [path for path in PLAIN if path.startswith("overlays/") and path.endswith("/dashboard.json")]


def test_an_environment_with_objectives_of_its_own_has_a_dashboard_that_draws_them() -> None:
    softer = {"serving": {"objectives": {"availability": "99%"}}}
    files = render(pipeline(overrides={"dev": softer}))
    own = json.loads(files["overlays/dev/dashboard.json"])
    assert 'namespace="ml-dev"' in own["panels"][0]["targets"][0]["expr"]
    limits = [
        panels(files, folder)["Failed requests"]["fieldConfig"]["defaults"]["thresholds"]["steps"][-1][
            "value"
        ]
        for folder in ("base", "overlays/dev")
    ]
    assert limits == [0.001, 0.01]
    (replaced, _) = kustomization(files, "overlays/dev")["configMapGenerator"]
    assert (replaced["behavior"], replaced["files"]) == ("replace", ["churn-dev.json=dashboard.json"])


def test_a_dashboard_leads_to_the_catalogue_where_one_is_published() -> None:
    github = {"compiler": {"version": "0.1.0"}, "pages": "https://acme.github.io/models/"}
    files = render(pipeline({}, settings={"ci": {"github": github}}))
    (link,) = json.loads(files["base/dashboard.json"])["links"]
    assert link["url"] == "https://acme.github.io/models/models/churn.html"
    assert "links" not in json.loads(PLAIN["base/dashboard.json"])


def test_dashboards_of_models_and_environments_are_apart() -> None:
    softer = {"serving": {"objectives": {"availability": "99%"}}}
    boards = [
        json.loads(files[path])
        for name in ("churn", "fraud")
        for files in [render(pipeline({"metadata": {"name": name}}, overrides={"dev": softer}))]
        for path in ("base/dashboard.json", "overlays/dev/dashboard.json")
    ]
    assert len({board["uid"] for board in boards}) == len(boards)
    assert all(len(board["uid"]) <= 40 for board in boards)  # Grafana refuses longer ones


def test_a_dashboard_asks_only_for_what_the_model_exports_of_its_predictions() -> None:
    for files, exported in (
        (PLAIN, conventions.METRIC_LABELS),
        (render(pipeline(REGRESSION)), conventions.METRIC_PREDICTION),
    ):
        asked = [target["expr"] for target in panels(files)["Predictions"]["targets"]]
        assert all(exported in query for query in asked)


def test_rates_are_taken_over_several_scrapes() -> None:
    (endpoint,) = one(PLAIN, "base", "PodMonitor")["spec"]["podMetricsEndpoints"]
    steps = {target["interval"] for panel in panels(PLAIN).values() for target in panel["targets"]}
    assert steps == {endpoint["interval"]}


def test_panels_do_not_overlap_and_ask_the_chosen_datasource() -> None:
    found = panels(PLAIN).values()
    corners = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in found}
    assert len(corners) == len(found)
    assert {target["datasource"]["uid"] for panel in found for target in panel["targets"]} == {
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
            assert json.loads(text) if path.endswith(".json") else list(yaml.safe_load_all(text))
