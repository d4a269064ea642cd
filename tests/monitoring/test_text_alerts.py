"""Prometheus' own tool lives through an hour of a language model, with either engine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace
from render.models import VARIED

from aimass_compiler import conventions
from aimass_compiler.render.monitoring.alerts import (
    ABSENT,
    BUDGET_BURN,
    Alert,
    AlertContext,
    alerts,
    annotations_of,
    labels,
    watched,
)
from aimass_compiler.render.monitoring.rule_files import RULES_ENDING, rule_files
from aimass_compiler.render.monitoring.rules import groups
from aimass_compiler.render.monitoring.text_alerts import (
    CACHE_FULL,
    FULL,
    PREEMPTED,
    PREEMPTED_SHARE,
    QUEUED,
    REFUSED,
    REFUSED_SHARE,
)

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: `make test` builds it where there is Go"
)
MINUTES, FLOW = 60, 600
#: An engine on CPUs, and one on accelerators.
ENVIRONMENTS = ("dev", "prod")


class Hour(Struct, frozen=True):
    """What a server exports for an hour in which nothing changes; all is well by default."""

    failed: float = 0
    first_token: float = 0
    """The share of first tokens that come late."""
    token: float = 0
    waiting: float = 0
    cache: float = 0.1
    preempted: float = 0
    refused: float = 0
    flow: float = FLOW
    """Requests a minute."""


def exported(hour: Hour, here: AlertContext) -> dict[str, str]:
    text = here.text
    assert text is not None
    ok, bad = ("2xx", "5xx") if text.requests.status == "status" else ("200", "503")
    handler = {"handler": "/v1/completions"} if text.requests.of_callers else {}

    def series(metric: str, **more: str) -> str:
        every = {"namespace": here.namespace, "model": here.model, "pod": "one", **more}
        return metric + "{" + ",".join(f'{name}="{value}"' for name, value in every.items()) + "}"

    def counter(share: float) -> str:
        return f"0+{hour.flow * share:.12g}x{MINUTES}"

    def gauge(value: float) -> str:
        return f"{value:.12g}x{MINUTES}"

    requests, status = text.requests.counter, text.requests.status
    found = {
        series(requests, **{status: ok}, **handler): counter(1 - hour.failed),
        series(requests, **{status: bad}, **handler): counter(hour.failed),
        series(text.metric(conventions.METRIC_RUNNING)): gauge(1),
        series(text.metric(conventions.METRIC_WAITING)): gauge(hour.waiting),
        series(text.metric(conventions.METRIC_CACHE_USAGE)): gauge(hour.cache),
        series(text.metric(conventions.METRIC_PREEMPTIONS)): counter(hour.preempted),
        series(text.metric(conventions.METRIC_ADMISSION_REJECTIONS), reason="x"): counter(hour.refused),
    }
    late = {conventions.METRIC_FIRST_TOKEN: hour.first_token, conventions.METRIC_TOKEN: hour.token}
    for time in text.times:
        share = next(share for name, share in late.items() if time.histogram == text.metric(name))
        found[series(f"{time.histogram}_count")] = counter(1)
        found[series(f"{time.histogram}_bucket", le=str(time.end))] = counter(1 - share)
    return found


def scenarios(here: AlertContext) -> dict[str, tuple[Mapping[str, str], set[str]]]:
    """What is exported, and what that raises: names of alerts, or the objective whose budget burns."""
    assert here.text is not None
    most, few = here.text.waiting, 9 / FLOW / 15
    told = {
        "all is well": (Hour(), set[str]()),
        "every request fails": (Hour(failed=1), {"availability"}),
        "first tokens are late": (Hour(first_token=1), {"first_token_p95"}),
        "first tokens are nearly late": (Hour(first_token=0.04), set()),
        "tokens are late": (Hour(token=1), {"token_p95"}),
        "more wait than may": (Hour(waiting=most + 1), {QUEUED}),
        "as many wait as may": (Hour(waiting=most), set()),
        "the cache is full": (Hour(cache=FULL + 0.01), {CACHE_FULL}),
        "the cache is nearly full": (Hour(cache=FULL), set()),
        "answers are begun again": (Hour(preempted=PREEMPTED_SHARE * 1.1), {PREEMPTED}),
        "few answers are begun again": (Hour(preempted=PREEMPTED_SHARE * 0.9), set()),
        "one of few answers is begun again": (Hour(flow=few * FLOW, preempted=1), set()),
        "requests are refused": (Hour(refused=REFUSED_SHARE * 1.1), {REFUSED}),
        "few requests are refused": (Hour(refused=REFUSED_SHARE * 0.9), set()),
        "requests are refused where there are few": (Hour(flow=few * FLOW, refused=1), set()),
    }
    found = {name: (exported(hour, here), raised) for name, (hour, raised) in told.items()}
    others = replace(here, namespace="elsewhere")
    return found | {"only others are there": (exported(Hour(failed=1, cache=1), others), {ABSENT})}


def is_raised(alert: Alert, raised: set[str]) -> bool:
    return (alert.labels["objective"] if alert.name == BUDGET_BURN else alert.name) in raised


def expected(alert: Alert, here: AlertContext) -> dict[str, Any]:
    told = {**labels(alert, here), "namespace": here.namespace}
    return {"exp_labels": told, "exp_annotations": annotations_of(alert, here)}


def text_tests(here: AlertContext) -> list[dict[str, Any]]:
    """What promtool is to find in each scenario."""
    names = dict.fromkeys(alert.name for alert in alerts(here))
    return [
        {
            "name": name,
            "interval": "1m",
            "input_series": [{"series": each, "values": values} for each, values in series.items()],
            "alert_rule_test": [
                {
                    "alertname": alert_name,
                    "eval_time": f"{MINUTES}m",
                    "exp_alerts": [
                        expected(alert, here)
                        for alert in alerts(here)
                        if alert.name == alert_name and is_raised(alert, raised)
                    ],
                }
                for alert_name in names
            ],
        }
        for name, (series, raised) in scenarios(here).items()
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_alerts_of_text_fire_when_they_must_and_are_silent_otherwise(
    environment: str, tmp_path: Path
) -> None:
    built = VARIED["language-on-gpus"]
    here = watched(built.metadata, environment, built.environments[environment])
    rules = f"{environment}{RULES_ENDING}"
    (tmp_path / rules).write_bytes(rule_files(built)[rules])
    document = {
        "rule_files": [rules],
        "evaluation_interval": "2m",
        "group_eval_order": [group["name"] for group in groups(here)],
        "tests": text_tests(here),
    }
    (tmp_path / "text.yaml").write_text(json.dumps(document), encoding="utf-8")
    command = ["promtool", "test", "rules", "text.yaml"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
