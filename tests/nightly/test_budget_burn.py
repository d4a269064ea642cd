"""A release that burns its error budget goes back by itself, once, as a real Prometheus sees it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from delivery.deliveries import Repository, version
from pipeline.projects import wait_until

from aimass_compiler import conventions
from tests.harness import github_service
from tests.harness.github_actions.hub import Hub
from tests.harness.github_actions.projects import stand_ins
from tests.harness.github_service import GithubService
from tests.harness.loopback import Answers, Server
from tests.harness.prometheus import server as prometheus
from tests.harness.prometheus.clock import faster, faster_rules
from tests.harness.prometheus.server import Prometheus

pytestmark = pytest.mark.skipif(
    prometheus.PROGRAM is None, reason="no prometheus: `make nightly` builds it where there is Go"
)
#: How much faster the clock of the rules runs.
TIMES = 60
RULES = Path(__file__).parents[2] / "generated/churn/overlays/prod/alerts.yaml"
SETTINGS = {"environments": {"dev": {}, "prod": {"revert": {"within": "1h", "by": "merge"}}}}
FIRING = 'ALERTS{alertname="ModelBudgetBurn",severity="page",alertstate="firing"}'
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "here",
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "me", "user": {}}],
}


@dataclass
class Servers:
    """What the servers of a model have counted; each scrape finds ten more requests."""

    good: int = 0
    bad: int = 0
    are_failing: bool = False

    def scraped(self) -> str:
        self.good += 5 if self.are_failing else 10
        self.bad += 5 if self.are_failing else 0
        labels = 'model="churn",namespace="ml-prod",pod="churn-0"'
        return "".join(
            f'{conventions.METRIC_REQUESTS}{{{labels},code="{code}"}} {count}\n'
            for code, count in (("200", self.good), ("500", self.bad))
        )


@pytest.fixture
def servers() -> Servers:
    return Servers()


@pytest.fixture
def watching(tmp_path: Path, servers: Servers) -> Iterator[Prometheus]:
    """A Prometheus with the alerts of a shipped model, which scrapes the servers."""

    class Handler(Answers):
        def do_GET(self) -> None:
            self.answer(200, servers.scraped().encode(), Content_Type="text/plain; version=0.0.4")

    rules = tmp_path / "rules.yaml"
    rules.write_text(json.dumps(faster_rules(yaml.safe_load(RULES.read_text())["spec"], TIMES)))
    period = faster("30s", TIMES)
    with Server(Handler) as exporter:
        configuration = {
            "global": {"scrape_interval": period, "scrape_timeout": period, "evaluation_interval": period},
            "scrape_configs": [{"job_name": "churn", "static_configs": [{"targets": [exporter.place]}]}],
            "rule_files": [str(rules)],
        }
        with prometheus.running(tmp_path, configuration, "5m") as found:
            yield found


@pytest.fixture
def github() -> Iterator[GithubService]:
    with github_service.running() as service:
        yield service


@pytest.fixture
def repository(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    watching: Prometheus,
    github: GithubService,
) -> Repository:
    """Version 1 has been in prod for a day; there is a remote, and GitHub."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    made = Repository(tmp_path / "models", capsys)
    made.write("aimass.yaml", json.dumps({**SETTINGS, "prometheus": {"url": watching.address}}))
    made.write("specs/churn.yaml", "")
    made.serve()
    made.record(version(1), version(2))
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("config", "--global", "user.name", "Ada")
    made.git("config", "--global", "user.email", "ada@example.com")
    made.release("prod", 1, (datetime.now(UTC) - timedelta(days=1)).isoformat())
    hub = Hub.create(tmp_path / "models.git")
    made.git("remote", "add", "origin", str(hub.remote))
    made.git("push", "--quiet", "--set-upstream", "origin", "main")
    made.git("remote", "set-head", "origin", "main")
    (tmp_path / "kubeconfig").write_text(json.dumps(KUBECONFIG))
    variables = {
        **github.variables,
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "PATH": os.pathsep.join([str(stand_ins(tmp_path / "stand-ins")), os.environ["PATH"]]),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return made


def test_it_is_reverted_and_what_ran_before_is_left_alone(
    repository: Repository, servers: Servers, watching: Prometheus, github: GithubService
) -> None:
    verify = ("verify", "--env", "prod", "--pull-request")
    repository.release("prod", 2, datetime.now(UTC).isoformat())
    repository.git("push", "--quiet")
    wait_until(lambda: bool(watching.query("aimass:availability:bad_ratio_rate1h")))
    assert repository.aimass(*verify).out == f"churn in prod: {version(2).name}: nothing\n"
    servers.are_failing = True
    wait_until(lambda: bool(watching.query(FIRING)))
    for _ in range(2):
        reverted = repository.aimass(*verify)
        assert (reverted.code, reverted.err) == (0, "")
        assert ": revert: the budget of its availability objective burns" in reverted.out
    (opened,) = github.pulls
    assert opened["auto_merge"] == {"merge_method": "merge"}
    repository.git("merge", "--quiet", "--no-edit", "--no-ff", opened["head"])
    after = repository.released("prod")
    assert after is not None
    assert after.version == version(1).name
    # It burns on, until the window has passed, and that is not the fault of what runs again.
    assert watching.query(FIRING)
    assert repository.aimass(*verify).out == f"churn in prod: {version(1).name}: nothing\n"
