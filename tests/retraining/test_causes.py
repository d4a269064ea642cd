"""Reasons to train again: the clock, rows here and elsewhere, and what Prometheus says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from render.models import pipeline

from aimass_compiler.releases.candidate_ledger import TriedCandidate
from aimass_compiler.retraining.causes import CausesFound, RetrainingContext, causes
from tests.harness import prometheus_answers
from tests.harness.prometheus_answers import Measured
from tests.harness.version_records import recorded

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
LOCAL = {"data": {"sources": {"customers": "data/customers.csv"}}}


@pytest.fixture
def prometheus() -> Iterator[Measured]:
    """One that knows nothing yet."""
    with prometheus_answers.running() as measured:
        yield measured


def found(root: Path, retrain: dict[str, Any], **known: Any) -> CausesFound:
    built = pipeline({**LOCAL, "monitoring": {"retrain": {"schedule": None, **retrain}}})
    given: dict[str, Any] = {"newest": None, "attempts": [], "address": None, **known}
    return causes(built, RetrainingContext(root=root, now=NOW, **given))


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


def test_what_fires_where_the_model_serves_is_a_reason(tmp_path: Path, prometheus: Measured) -> None:
    release = tmp_path / "releases" / "prod" / "churn" / "kustomization.yaml"
    release.parent.mkdir(parents=True)
    release.write_text("kind: Component\n")
    both = {"on": ["drift", "quality"]}
    address = prometheus.address
    assert found(tmp_path, both, address=address) == CausesFound((), (), {}, "")
    prometheus.series["Drift"] = [({"alertname": "ModelDrift", "feature": "calls"}, 1)]
    prometheus.series["aimass_drift_psi"] = [({"feature": "calls"}, 0.81)]
    (drift,) = found(tmp_path, both, address=address).causes
    assert drift.text == "ModelDrift fires in prod: `calls` 0.81 moved away from the training data"
    prometheus.series["ModelQuality"] = [({"alertname": "ModelQualityLow", "metric": "f1"}, 1)]
    _, quality = found(tmp_path, both, address=address).causes
    assert (quality.kind, quality.text) == ("quality", "ModelQualityLow fires in prod: `f1` was lost")


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
