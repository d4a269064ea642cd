"""From an alert to a pull request: what `aimass retrain` trains, compares and proposes, and when not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.programs import dvc, program
from pipeline.projects import customers
from pipeline.watched import Watched
from tests.harness import github_service, prometheus_answers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.projects import Project

pytestmark = pytest.mark.slow
REASON = "ModelDrift fires in dev: `charges` 0.81 moved away from the training data"


@pytest.fixture(scope="module")
def released(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A released model, of whose columns one drifts, with other rows to learn from than it has seen."""
    project = finished.copy(tmp_path_factory.mktemp("watched") / "clone")
    with (
        prometheus_answers.running() as prometheus,
        github_service.running() as github,
        pytest.MonkeyPatch.context() as patch,
    ):
        prometheus.series["Drift"] = [({"alertname": "ModelDrift", "feature": "charges"}, 1)]
        prometheus.series["aimass_drift_psi"] = [({"feature": "charges"}, 0.81)]
        made = Watched.released(project, prometheus.address, github, patch)
        project.write("data/customers.csv", customers(240, seed=8))
        yield made


@pytest.fixture
def watched(released: Watched) -> Watched:
    """The same before anything was tried."""
    released.forget()
    return released


@pytest.mark.pipeline
def test_an_alert_becomes_one_pull_request(watched: Watched) -> None:
    assert watched.retrain("--check") == ExitCode.STALE
    watched.github.refuses = "POST"
    assert watched.retrain("--pull-request") == ExitCode.FAILED
    (tried,) = watched.tried()
    assert (tried.outcome, watched.github.pulls) == ("unpublished", [])
    assert watched.decision.is_due
    watched.github.refuses = ""
    assert watched.retrain("--pull-request") == 0
    (pull,) = watched.github.pulls
    assert pull["head"] == "aimass/candidate-churn"
    assert REASON in pull["body"]
    assert "144 training rows, 120 before" in pull["body"]
    comparison = watched.document("compare/report.json")
    assert comparison["metrics"]["roc_auc"]["rows"] == 48
    assert f"`{comparison['version']}`, which serves in dev, and the candidate" in pull["body"]
    release, record = watched.proposed_files(pull["head"])
    assert (release, record.startswith("versions/churn/v2-")) == (
        "releases/dev/churn/kustomization.yaml",
        True,
    )
    _, tried = watched.tried()
    assert (tried.outcome, tried.causes) == ("passed", (REASON,))
    assert "rows and recipe are those of the last candidate, which was proposed" in watched.decision.text

    watched.kept()
    promote = ["promote", "churn", "--to", "dev", "--pull-request", "--or-record", "--candidate"]
    assert main([*promote, f"--root={watched.project.root}"]) == 0
    assert [each["number"] for each in watched.github.pulls] == [1]
    assert watched.github.calls == ["POST pulls", "PATCH pulls/1"]


def test_cooldown_and_budget_hold_it_back(watched: Watched) -> None:
    assert watched.decision.text == REASON
    watched.written("passed", time=ago(hours=0))
    assert watched.decision.text.startswith("the last candidate was at ")
    assert watched.retrain() == 0
    assert len(watched.tried()) == 1
    watched.forget()
    for hours in (30, 20, 10):
        watched.written("passed", time=ago(hours))
    assert watched.decision.text == "3 candidates in 30 days are the budget of 3"


def test_after_some_that_failed_people_are_asked(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run leaves that missed a gate is that of the released version here, which nothing says."""
    monkeypatch.setattr(dvc, "reproduce", lambda *_, **__: ExitCode.GATE)
    monkeypatch.setattr(program, "run_stage", lambda *_: 0)
    assert watched.retrain() == ExitCode.GATE
    assert watched.github.issues == []
    assert watched.retrain("--now") == ExitCode.GATE
    (issue,) = watched.github.issues
    assert issue["title"] == "churn: candidates fail"
    assert "2 candidates of `churn` failed in a row" in issue["body"]
    assert REASON in issue["body"]
    assert watched.decision.needs_person
    assert watched.retrain() == 0
    assert [each.outcome for each in watched.tried()] == ["failed", "failed"]
    assert watched.retrain("--resume", "--check") == 0
    assert not watched.decision.needs_person


def ago(hours: int) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")
