"""Prometheus itself follows what `aimass truth` tells of a model."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from render.models import pipeline

from aimass_compiler.render import render
from aimass_compiler.render.quality.alert_rules import LOW, STALE

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: `make test` builds it where there is Go"
)
_ABOUT = 'model="churn",namespace="ml-prod",version="abc"'
_GATE = f'{_ABOUT},metric="roc_auc",condition="min 0.8",slice=""'


def rules(schedule: str | None = None) -> dict[str, Any]:
    labels = {"source": "s3://lake/truth.csv", "delay": "7d", "schedule": schedule}
    files = render(pipeline({"monitoring": {"labels": labels}}, overrides={"prod": {}}))
    found: dict[str, Any] = yaml.safe_load(files["overlays/prod/quality-alerts.yaml"])["spec"]
    return found


def fires(
    folder: Path, series: dict[str, str], minutes: int, schedule: str | None = None
) -> list[tuple[str, str]]:
    """The alerts that fire after so many minutes, by name and severity."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules(schedule)))
    fired = []
    for name, severity in ((LOW, "page"), (LOW, "ticket"), (STALE, "ticket")):
        test = {
            "interval": "1m",
            "input_series": [{"series": key, "values": value} for key, value in series.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{name}",severity="{severity}",alertstate="firing"}})',
                    "eval_time": f"{minutes}m",
                    "exp_samples": [{"labels": "{}", "value": 1}],
                }
            ],
        }
        document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
        (folder / "test.yaml").write_text(yaml.safe_dump(document))
        command = ["promtool", "test", "rules", "test.yaml"]
        if not subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode:
            fired.append((name, severity))
    return fired


@pytest.mark.parametrize(
    ("missed", "surely", "wanted"),
    [
        ("0", "0", []),
        ("1", "0", [(LOW, "ticket")]),
        ("1", "1", [(LOW, "page"), (LOW, "ticket")]),
    ],
)
def test_a_missed_gate_opens_a_ticket_and_pages_where_it_is_sure(
    tmp_path: Path, missed: str, surely: str, wanted: list[tuple[str, str]]
) -> None:
    series = {
        f'aimass_quality_gate_missed{{{_GATE},sure="no"}}': f"{missed}x60",
        f'aimass_quality_gate_missed{{{_GATE},sure="yes"}}': f"{surely}x60",
        f"aimass_quality_timestamp_seconds{{{_ABOUT}}}": "0x60",
    }
    assert fires(tmp_path, series, 30) == wanted


def test_a_quality_that_no_one_measures_any_more_is_told(tmp_path: Path) -> None:
    series = {f"aimass_quality_timestamp_seconds{{{_ABOUT}}}": "0x11000"}
    assert fires(tmp_path, series, 7 * 24 * 60 - 10) == [], "the truth takes a week"
    assert fires(tmp_path, series, 7 * 24 * 60 + 30) == [(STALE, "ticket")]


def test_what_a_scheduled_job_told_counts_until_the_next_one(tmp_path: Path) -> None:
    """Its pod shows it for two minutes a day; another version is measured on the second day."""
    gate, newer = (each.replace("abc", "def") for each in (_GATE, _ABOUT))
    day = 24 * 60
    series = {
        f'aimass_quality_gate_missed{{{_GATE},sure="no"}}': f"1 1 stale _x{2 * day}",
        f"aimass_quality_timestamp_seconds{{{_ABOUT}}}": f"0 0 stale _x{2 * day}",
        f'aimass_quality_gate_missed{{{gate},sure="no"}}': f"_x{day} 0 0 stale _x{2 * day}",
        f"aimass_quality_timestamp_seconds{{{newer}}}": f"_x{day} {day * 60} {day * 60} stale _x{2 * day}",
        'kube_cronjob_created{namespace="ml-prod",cronjob="churn-quality"}': f"0x{4 * day}",
    }
    assert fires(tmp_path, series, day - 60, "@daily") == [(LOW, "ticket")]
    assert fires(tmp_path, series, day + 60, "@daily") == []
    assert fires(tmp_path, series, 2 * day + 2 * 60, "@daily") == [(STALE, "ticket")]


@pytest.mark.parametrize("schedule", [None, "@daily"])
def test_prometheus_takes_the_rules(tmp_path: Path, schedule: str | None) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules(schedule)))
    command = ["promtool", "check", "rules", "rules.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
