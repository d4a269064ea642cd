"""A budget that burns is the fault of a release only where it began to burn after the release came."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.delivery.budget_burn import alerts_query
from aimass_compiler.exit_codes import ExitCode
from delivery.deliveries import Repository, version
from tests.harness.loopback import Answers, Server

ALERT = 'alertname="ModelBudgetBurn",severity="{}",model="churn",namespace="ml-prod",objective="{}"'
#: Each alert that there is, since when it is active, and whether it fires.
ALERTS = (
    ("page", "availability", 600, "firing"),
    ("page", "latency-p99", 700, "pending"),
    ("ticket", "availability", 500, "firing"),
)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool: `make test` builds it with Go")
def test_prometheus_knows_since_when_what_fires_is_active(tmp_path: Path) -> None:
    series: list[dict[str, Any]] = []
    for severity, objective, since, state in ALERTS:
        labels = ALERT.format(severity, objective)
        series.append({"series": f"ALERTS_FOR_STATE{{{labels}}}", "values": f"{since}x20"})
        series.append({"series": f'ALERTS{{{labels},alertstate="{state}"}}', "values": "1x20"})
    labels = ALERT.format("page", "availability")
    expected = {"labels": f"ALERTS_FOR_STATE{{{labels}}}", "value": 600}
    asked = {"expr": alerts_query("churn", "ml-prod"), "eval_time": "15m", "exp_samples": [expected]}
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
    path = tmp_path / "burn.test.yaml"
    path.write_text(json.dumps({"evaluation_interval": "1m", "tests": [test]}), encoding="utf-8")
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def prometheus(active: datetime | None) -> Iterator[str]:
    """One in which an alert about the budget has fired since then; None refuses to answer."""

    class Handler(Answers):
        def do_GET(self) -> None:
            if active is None:
                self.answer(503, b"{}")
                return
            value = {"metric": {"objective": "availability"}, "value": [0, str(active.timestamp())]}
            found = {"status": "success", "data": {"resultType": "vector", "result": [value]}}
            self.answer(200, json.dumps(found).encode())

    with Server(Handler) as server:
        yield f"http://{server.place}"


@pytest.fixture
def released(repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> datetime:
    """Version 2 came to prod a while ago, where version 1 was before it; answers when."""
    settings = json.loads(SETTINGS)
    repository.write("aimass.yaml", json.dumps(settings))
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    repository.release("prod", 1, "2026-11-05T00:00:00Z")
    since = datetime.now(UTC).replace(microsecond=0)
    repository.release("prod", 2, since.isoformat())
    return since


SETTINGS = json.dumps({"environments": {"dev": {}, "prod": {"revert": {"within": "1h"}}}})
KUBECONFIG = json.dumps({
    "apiVersion": "v1", "kind": "Config", "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {}}],
})  # fmt: skip


@pytest.mark.parametrize(("minutes", "code"), [(1, ExitCode.STALE), (-1, ExitCode.DONE)])
def test_what_burnt_before_a_release_is_no_reason_to_revert_it(
    repository: Repository, released: datetime, minutes: int, code: ExitCode
) -> None:
    with prometheus(datetime.fromtimestamp(released.timestamp() + 60 * minutes, UTC)) as address:
        done = repository.aimass("verify", "--env", "prod", f"--prometheus={address}")
    assert (done.code, done.err) == (code, "")
    assert (": revert: the budget of its availability objective burns" in done.out) == (minutes > 0)


def test_a_revert_is_not_reverted_for_what_it_repairs(repository: Repository, released: datetime) -> None:
    with prometheus(datetime.fromtimestamp(released.timestamp() + 60, UTC)) as address:
        asked = ("verify", "--env", "prod", f"--prometheus={address}")
        assert repository.aimass(*asked, "--write").code == 0
        after = repository.released("prod")
        assert after is not None
        assert after.version == version(1).name
        repository.commit(datetime.fromtimestamp(released.timestamp() + 120, UTC).isoformat())
        assert repository.aimass(*asked).code == 0


def test_what_cannot_be_asked_is_reported_and_stops_nothing(
    repository: Repository, released: datetime
) -> None:
    with prometheus(None) as address:
        done = repository.aimass("verify", "--env", "prod", f"--prometheus={address}")
    assert done.code == ExitCode.UNREACHABLE
    assert "cannot be asked" in done.err
    assert "churn in prod: " in done.out
