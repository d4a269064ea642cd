"""A real Prometheus scrapes real servers under load: every panel shows something, and the right alerts fire.

The rules are those that kustomize builds for production, on a faster clock: see harness/prometheus/clock.py.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars
import pytest
from pipeline.projects import Project, wait_until
from pipeline.test_shipped_specs import REPOSITORY, run, shipped

from aimass_compiler import conventions
from aimass_compiler.runtime.load_test.protocols import ServedSignature
from aimass_compiler.runtime.packaging.rows import as_json
from tests.harness.prometheus import server as prometheus
from tests.harness.prometheus.deployed import Deployed, Manifests, deployed
from tests.harness.prometheus.grafana import draw
from tests.harness.prometheus.traffic import Callers, ask

pytestmark = pytest.mark.skipif(
    prometheus.PROGRAM is None, reason="no prometheus: `make nightly` builds it where there is Go"
)

#: How much faster the clock runs; slower where the machine does not keep up.
TIMES = (150, 60)
#: Which of the shipped specs are watched; `make watch` watches all.
SPECS = os.environ.get("WATCHED_SPECS", "breast-cancer").split()
ENVIRONMENT = "prod"
#: By the faster clock. The first is long enough for whatever is held back for 15 minutes.
_HEALTHY_MINUTES = 25
_PATIENCE_MINUTES = 120


#: Name, severity and objective of each.
Alerts = set[tuple[str, str, str]]
#: Alerts that need a day of history, which promtool lives through instead.
_LATER = {("ModelIdle", "ticket", "")}


@pytest.fixture(params=SPECS)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A shipped spec, trained and packaged."""
    made = shipped(tmp_path / "project", REPOSITORY / "specs" / f"{request.param}.yaml")
    done = run(made, request.param)
    assert done.code == 0, done.told
    return made


def test_a_shipped_model_is_watched(project: Project, tmp_path: Path) -> None:
    (spec,) = (project.root / "specs").glob("*.yaml")
    manifests = Manifests.built(project.root / "generated" / spec.stem / "overlays" / ENVIRONMENT)
    results = project.root / "artifacts" / spec.stem
    asking = callers(results, int(manifests.limits[conventions.VARIABLE_BODY_BYTES]))
    for times in TIMES:
        folder = tmp_path / str(times)
        folder.mkdir()
        with deployed(manifests, results / "package" / "model", folder, times) as model:
            try:
                watch(model, asking)
            except Busy:
                continue
            return
    pytest.skip("this machine is too busy: scrapes were missed, or answers of idle servers slow")


class Busy(Exception):  # noqa: N818  # of the machine, not an error of the model
    """What was raised tells of this machine and not of the model."""


def callers(results: Path, body_bytes: int) -> Callers:
    signature = json.loads((results / "package" / "model" / conventions.SIGNATURE_FILE).read_text())
    rows = polars.read_parquet(results / "prepare" / "train.parquet")
    return Callers(ServedSignature(signature), as_json(rows, signature["inputs"]), body_bytes)


def watch(model: Deployed, callers: Callers) -> None:
    """Healthy traffic, then one thing after the other goes wrong, and nothing else may be raised."""
    until = time.monotonic() + _HEALTHY_MINUTES * 60 / model.times
    answers = ask(model.ports, callers.well(), lambda: time.monotonic() > until)
    assert_raised(model, set(), answers)
    assert_labelled(model)
    assert_recorded(model)
    assert_shown(model)

    expected = {*alerts("ModelDrift", "page", "ticket"), *alerts("ModelContractViolated", "ticket")}
    answers += ask(model.ports, callers.drifting(), raised(model, expected))
    assert_raised(model, expected, answers)

    expected |= {*alerts("ModelSaturated", "ticket"), *burns(model)}
    ask(model.ports, callers.well(), raised(model, expected), slowly=callers.large())
    assert_raised(model, expected)
    assert_shown(model)

    expected |= alerts("ModelServerDown", "ticket")
    model.servers[1].process.kill()
    ask(model.ports[:1], callers.well(), raised(model, expected))
    assert_raised(model, expected)

    expected |= alerts("ModelAbsent", "page")
    model.servers[0].process.kill()
    wait_until(raised(model, expected))
    assert_raised(model, expected)
    assert expected == declared(model) - _LATER


def assert_raised(model: Deployed, expected: Alerts, answers: Counter[str] | None = None) -> None:
    """Exactly these alerts were raised so far.

    Raises Busy where a server that ran was not scraped, or where the callers saw slow answers themselves.
    """
    for pod, server in zip(model.pods, model.servers, strict=True):
        if server.process.poll() is None:
            (seen,) = model.prometheus.query(f'min_over_time(up{{pod="{pod.name}"}}[1h])')
            if seen["value"][1] == "0":
                raise Busy
    fired = model.prometheus.fired()
    more = {objective.startswith("latency_") for _, _, objective in fired - expected}
    if answers is not None and more == {True} and answers["slow"] > 0.01 * answers.total():
        raise Busy
    assert fired == expected


def alerts(name: str, *severities: str) -> Alerts:
    return {(name, severity, "") for severity in severities}


def declared(model: Deployed) -> Alerts:
    """Every alert of the deployed rules."""
    return {
        (rule["alert"], rule["labels"]["severity"], rule["labels"].get("objective", ""))
        for group in model.manifests.one("PrometheusRule")["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


def burns(model: Deployed) -> Alerts:
    return {alert for alert in declared(model) if alert[0] == "ModelBudgetBurn"}


def raised(model: Deployed, expected: Alerts) -> Callable[[], bool]:
    """Whether all of them have been raised, or patience is at its end; in minutes of the model's clock."""
    until = time.monotonic() + _PATIENCE_MINUTES * 60 / model.times
    return lambda: expected <= model.prometheus.fired() or time.monotonic() > until


def assert_labelled(model: Deployed) -> None:
    """Targets carry the labels that the operator gives them, and no others; all of them answer."""
    namespace, name = (model.manifests.one("PodMonitor")["metadata"][key] for key in ("namespace", "name"))
    found = {target["labels"]["pod"]: target for target in model.prometheus.targets()}
    assert found.keys() == {pod.name for pod in model.pods}
    for pod in model.pods:
        assert found[pod.name]["health"] == "up", found[pod.name]["lastError"]
        assert found[pod.name]["labels"] == {
            "job": name,
            "namespace": namespace,
            "pod": pod.name,
            "container": "server",
            "endpoint": conventions.PORT_NAME,
            "instance": pod.address,
        }


def assert_recorded(model: Deployed) -> None:
    """Every recording rule finds its series; their names still tell the windows of a slower clock."""
    for group in model.manifests.one("PrometheusRule")["spec"]["groups"]:
        for rule in group["rules"]:
            if "record" in rule:
                (found,) = model.prometheus.query(rule["record"])
                assert math.isfinite(float(found["value"][1])), rule


def assert_shown(model: Deployed) -> None:
    """Every panel of every dashboard has something to show."""
    namespace = model.manifests.one("Service")["metadata"]["namespace"]
    assert model.manifests.dashboards
    for dashboard in model.manifests.dashboards:
        drawn = draw(dashboard, model.prometheus, namespace, model.times)
        assert len(drawn) >= len(dashboard["panels"])
        assert [fault for line in drawn for fault in line.faults()] == []
