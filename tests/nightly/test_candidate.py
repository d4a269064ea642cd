"""A real Prometheus sees the rows of a real server drift, and `aimass retrain` proposes what helps."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pipeline.projects import Project, customers, wait_until
from pipeline.watched import Watched

from aimass_compiler.programs import model_server
from aimass_compiler.runtime.production import exposition
from tests.harness import github_service
from tests.harness.loopback import Answers, Server
from tests.harness.prometheus import server as prometheus
from tests.harness.prometheus.clock import faster_rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(
        prometheus.PROGRAM is None, reason="no prometheus: `make nightly` builds it where there is Go"
    ),
]
MONITORING = """\
monitoring:
  retrain: {schedule: null, on: [drift, quality], cooldown: 1h, attempts: 2}
  labels: {source: data/truth.csv, delay: 1d}
"""
NAMESPACE, TIMES = "ml-dev", 900
#: As `aimass truth` leaves it (tests/records/test_production.py has the real one).
MISSED: dict[str, Any] = {
    "version": "v1",
    "metrics": {"roc_auc": 0.4},
    "estimated": {"metrics": {}},
    "gates": [{"metric": "roc_auc", "condition": "min 0.6", "passed": False, "surely_missed": True}],
    "labelled": 300,
    "coverage": 1.0,
}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A released model, its server, what measured its truth, and a Prometheus that scrapes both."""
    project = Project.make(tmp_path / "clone")
    assert project.aimass("run", "churn").code == 0
    with ExitStack() as stack:
        github = stack.enter_context(github_service.running())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        Watched.released(project, "", github, patch, MONITORING)
        served = stack.enter_context(model_server.running(project.root / "artifacts/churn/package/model"))
        measured = stack.enter_context(exposed(tmp_path))
        (tmp_path / "watch").mkdir()
        (tmp_path / "watch/rules.yml").write_text(json.dumps(rules(project.root)))
        targets = [served.url.removeprefix("http://"), measured.place]
        configuration = scraping(targets, str(tmp_path / "watch/rules.yml"))
        running = stack.enter_context(prometheus.running(tmp_path / "watch", configuration, "5m"))
        drift(served.url)
        yield Watched(project, running.address, github)


def exposed(folder: Path) -> Server:
    """What the node exporter shows of the file that `aimass truth --textfile` writes."""
    exposition.write(exposition.series("churn", NAMESPACE, MISSED), folder / "churn.prom")
    content = (folder / "churn.prom").read_bytes()

    class Handler(Answers):
        def do_GET(self) -> None:
            self.answer(200, content, Content_Type="text/plain; version=0.0.4")

    return Server(Handler)


def rules(root: Path) -> dict[str, Any]:
    """All that is compiled for dev, on a faster clock."""
    found = (root / "generated/churn/overlays/dev").glob("*.yaml")
    documents = [each for path in found for each in yaml.safe_load_all(path.read_text())]
    specs = [each["spec"] for each in documents if each.get("kind") == "PrometheusRule"]
    return {"groups": [group for spec in specs for group in faster_rules(spec, TIMES)["groups"]]}


def scraping(targets: list[str], rule_file: str) -> dict[str, Any]:
    labels = {"namespace": NAMESPACE, "pod": "churn-1"}
    return {
        "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
        "rule_files": [rule_file],
        "scrape_configs": [
            {
                "job_name": "churn",
                "honor_labels": True,
                "static_configs": [{"targets": targets, "labels": labels}],
            }
        ],
    }


def drift(url: str) -> None:
    """More rows than a verdict needs, of people who pay more than any that it was trained on."""
    for _ in range(20):
        model_server.ask(url, [{"age": 40, "charges": 95 + row / 10, "plan": "pro"} for row in range(50)])


def test_what_really_fires_becomes_one_pull_request(watched: Watched) -> None:
    wait_until(lambda: watched.decision.text.count("fires in dev") == 2, 60)
    assert "ModelQualityLow fires in dev: `roc_auc` was lost" in watched.decision.text
    watched.project.write("data/customers.csv", customers(240, seed=8))
    assert watched.retrain("--pull-request") == 0
    (pull,) = watched.github.pulls
    assert re.search(r"- ModelDrift fires in dev: .*`charges` \d+\.\d\d.* moved away", pull["body"])
    assert "- ModelQualityLow fires in dev: `roc_auc` was lost" in pull["body"]
    (first,) = watched.tried()
    watched.kept()
    watched.project.write("data/customers.csv", customers(260, seed=9))
    assert "not before" in watched.decision.text
    assert watched.retrain("--now", "--pull-request") == 0
    assert [each["number"] for each in watched.github.pulls] == [1]
    assert "156 training rows" in watched.github.pulls[0]["body"]
    assert [each.outcome for each in watched.tried()] == ["passed", "passed"]
    assert first == watched.tried()[0]
