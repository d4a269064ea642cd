"""Reasons to train again: the clock, rows here and elsewhere, and what Prometheus says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from render.models import pipeline

from aimass_compiler.impact.retraining_causes import CausesFound, Circumstances, causes
from aimass_compiler.releases.candidate_ledger import TriedCandidate
from tests.harness.loopback import Answers, Server
from tests.harness.version_records import recorded

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
LOCAL = {"data": {"sources": {"customers": "data/customers.csv"}}}


@pytest.fixture
def prometheus() -> Iterator[tuple[str, dict[str, list[dict[str, Any]]]]]:
    """One that answers by what is in the query."""
    answers: dict[str, list[dict[str, Any]]] = {}

    class Handler(Answers):
        def do_GET(self) -> None:
            query = parse_qs(urlparse(self.path).query)["query"][0]
            found = next((each for part, each in answers.items() if part in query), [])
            self.answer(200, json.dumps({"status": "success", "data": {"result": found}}).encode())

    with Server(Handler) as server:
        yield f"http://{server.place}", answers


def found(root: Path, retrain: dict[str, Any], **known: Any) -> CausesFound:
    built = pipeline({**LOCAL, "monitoring": {"retrain": {"schedule": None, **retrain}}})
    given: dict[str, Any] = {"newest": None, "attempts": [], "address": None, **known}
    return causes(built, Circumstances(root=root, now=NOW, **given))


def test_the_clock_is_a_reason_once_each_time(tmp_path: Path) -> None:
    daily = {"schedule": "0 3 * * *"}
    before = TriedCandidate(time="2026-12-01T02:00:00+00:00", outcome="passed")
    after = TriedCandidate(time="2026-12-01T04:00:00+00:00", outcome="failed")
    (cause,) = found(tmp_path, daily, attempts=[before]).causes
    assert cause.text == "`0 3 * * *` came round at 2026-12-01 03:00 UTC"
    assert found(tmp_path, daily, attempts=[before, after]).causes == ()


def test_rows_that_are_not_those_of_the_newest_version_are_a_reason(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "customers.csv"
    file.write_text("a\n1\n")
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    newest = recorded(tmp_path, "churn", data={"data/customers.csv": digest})
    same = found(tmp_path, {"on": "data"}, newest=newest)
    file.write_text("a\n2\n")
    other = found(tmp_path, {"on": "data"}, newest=newest)
    assert same.causes == ()
    assert [each.kind for each in other.causes] == ["data"]
    assert same.rows != other.rows
    assert found(tmp_path, {"on": "drift"}, newest=newest).causes == ()


def test_what_fires_where_the_model_serves_is_a_reason(
    tmp_path: Path, prometheus: tuple[str, dict[str, list[dict[str, Any]]]]
) -> None:
    address, answers = prometheus
    release = tmp_path / "releases" / "prod" / "churn" / "kustomization.yaml"
    release.parent.mkdir(parents=True)
    release.write_text("kind: Component\n")
    both = {"on": ["drift", "quality"]}
    assert found(tmp_path, both, address=address) == CausesFound((), (), {}, "")
    answers["Drift"] = [{"metric": {"alertname": "ModelDrift", "feature": "calls"}, "value": [0, "1"]}]
    answers["aimass_drift_psi"] = [{"metric": {"feature": "calls"}, "value": [0, "0.81"]}]
    (drift,) = found(tmp_path, both, address=address).causes
    assert drift.text == "ModelDrift fires in prod: `calls` 0.81 moved away from the training data"
    answers["ModelQuality"] = [{"metric": {"alertname": "ModelQualityLost"}, "value": [0, "1"]}]
    kinds = [each.kind for each in found(tmp_path, both, address=address).causes]
    assert kinds == ["drift", "quality"]


def test_a_prometheus_that_is_not_there_stops_no_other_reason(tmp_path: Path) -> None:
    (tmp_path / "releases" / "prod" / "churn").mkdir(parents=True)
    (tmp_path / "releases" / "prod" / "churn" / "kustomization.yaml").write_text("kind: Component\n")
    daily = {"schedule": "0 3 * * *", "on": "drift"}
    both = found(tmp_path, daily, address="http://127.0.0.1:1")
    assert [each.kind for each in both.causes] == ["schedule"]
    first = TriedCandidate(time="2026-11-01T00:00:00+00:00", outcome="passed")
    both = found(tmp_path, daily, address="http://127.0.0.1:1", attempts=[first])
    assert [each.kind for each in both.causes] == ["schedule"]
    assert both.unknown[0].startswith("drift: http://127.0.0.1:1 cannot be asked")
