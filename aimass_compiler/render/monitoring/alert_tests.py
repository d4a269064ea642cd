"""Unit tests of the alerts for `promtool test rules`: each fires when it must and is silent otherwise.

Format: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.monitoring.alerts import (
    ABSENT,
    BUDGET_BURN,
    DOWN,
    DRIFT,
    FEWEST_BAD_REQUESTS,
    SATURATED,
    Alert,
    Watched,
    alerts,
)
from aimass_compiler.render.monitoring.alerts import labels as alert_labels
from aimass_compiler.render.monitoring.objectives import AVAILABILITY, watched_ends

_FEATURE = "example"
_STEPS = 60  # minutes; long enough for every `for`, short enough for promtool
_FLOW = f"0+600x{_STEPS}"
_NOTHING = f"0x{_STEPS}"

Series = Mapping[str, str]


@dataclass(frozen=True)
class Scenario:
    """What the servers export, and which alerts that must raise; all others must be silent."""

    name: str
    series: Series
    raises: Callable[[Alert], bool] = field(default=lambda alert: False)  # noqa: ARG005  # nothing by default


def alert_tests(watched: Watched, rule_file: str) -> dict[str, Any]:
    """The test file of the rules in `rule_file`."""
    return {
        "rule_files": [rule_file],
        "evaluation_interval": "1m",
        "tests": [_test(scenario, watched) for scenario in scenarios(watched)],
    }


def scenarios(watched: Watched) -> list[Scenario]:
    """Every way to go wrong, one at a time, and the near misses."""
    drift, well = watched.running.monitoring.drift, _healthy(watched)
    fewest = drift.rows
    few = f"0 1x{FEWEST_BAD_REQUESTS - 1} {FEWEST_BAD_REQUESTS - 1}x{_STEPS}"
    return [
        Scenario("all is well", well),
        Scenario("every request fails", _failing(watched, _FLOW), lambda alert: _burns(alert, AVAILABILITY)),
        Scenario("a few requests fail where there are few", _failing(watched, few.replace("1x", "0+1x", 1))),
        Scenario("every request is slow", _slow(watched), lambda alert: _burns(alert, "latency_")),
        Scenario("much drift", well | _drifted(watched, drift.page * 2, fewest), lambda alert: alert.name == DRIFT),
        Scenario(
            "some drift",
            well | _drifted(watched, (drift.warn + drift.page) / 2, fewest),
            lambda alert: (alert.name, alert.severity) == (DRIFT, "ticket"),
        ),
        Scenario("much drift in few rows", well | _drifted(watched, drift.page * 2, fewest - 1)),
        Scenario("no server is there", {}, lambda alert: alert.name == ABSENT),
        Scenario("a server does not answer", well | {_up(watched): _NOTHING}, lambda alert: alert.name == DOWN),
        Scenario("the servers are full", well | _full(watched), lambda alert: alert.name == SATURATED),
    ]


def _burns(alert: Alert, objective: str) -> bool:
    return alert.name == BUDGET_BURN and alert.labels["objective"].startswith(objective)


def _test(scenario: Scenario, watched: Watched) -> dict[str, Any]:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for alert in alerts(watched):
        raised = by_name.setdefault(alert.name, [])
        if scenario.raises(alert):
            raised.append(_raised(alert, watched))
    return {
        "name": scenario.name,
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in scenario.series.items()],
        "alert_rule_test": [
            {"alertname": name, "eval_time": f"{_STEPS - 1}m", "exp_alerts": raised}
            for name, raised in by_name.items()
        ],
    }


def _raised(alert: Alert, watched: Watched) -> dict[str, Any]:
    own = {"feature": _FEATURE} if alert.name == DRIFT else {}
    texts = {"summary": alert.summary, "description": alert.description}
    annotations = {key: text.replace("{{ $labels.feature }}", _FEATURE) for key, text in texts.items()}
    if watched.running.monitoring.runbook is not None:
        annotations["runbook_url"] = watched.running.monitoring.runbook
    expected = {**alert_labels(alert, watched), "namespace": watched.running.namespace, **own}
    return {"exp_labels": expected, "exp_annotations": annotations}


def _series(watched: Watched, metric: str, **labels: str) -> str:
    """A series of the pod `one`."""
    every = {"namespace": watched.running.namespace, "model": watched.model, "pod": "one", **labels}
    return metric + "{" + ",".join(f'{name}="{value}"' for name, value in every.items()) + "}"


def _up(watched: Watched) -> str:
    return f'up{{namespace="{watched.running.namespace}",job="{watched.model}",pod="one"}}'


def _healthy(watched: Watched) -> dict[str, str]:
    return {
        _series(watched, conventions.METRIC_MODEL_INFO, version="1"): f"1x{_STEPS}",
        _up(watched): f"1x{_STEPS}",
        **_requests(watched, good=_FLOW, failed=_NOTHING),
        **_durations(watched, in_time=_FLOW),
        **_drifted(watched, 0, watched.running.monitoring.drift.rows),
        _series(watched, conventions.METRIC_IN_FLIGHT): f"1x{_STEPS}",
        _series(watched, conventions.METRIC_CONCURRENCY_LIMIT): f"64x{_STEPS}",
    }


def _requests(watched: Watched, good: str, failed: str) -> dict[str, str]:
    return {
        _series(watched, conventions.METRIC_REQUESTS, code="200"): good,
        _series(watched, conventions.METRIC_REQUESTS, code="500"): failed,
    }


def _durations(watched: Watched, in_time: str) -> dict[str, str]:
    buckets = {
        _series(watched, f"{conventions.METRIC_DURATION}_bucket", le=str(end)): in_time
        for end in watched_ends(watched.running.serving.objectives).values()
    }
    return buckets | {_series(watched, f"{conventions.METRIC_DURATION}_count"): _FLOW}


def _failing(watched: Watched, failed: str) -> dict[str, str]:
    return _healthy(watched) | _requests(watched, good=_NOTHING, failed=failed)


def _slow(watched: Watched) -> dict[str, str]:
    return _healthy(watched) | _durations(watched, in_time=_NOTHING)


def _drifted(watched: Watched, index: float, rows: int) -> dict[str, str]:
    return {
        _series(watched, conventions.METRIC_DRIFT, feature=_FEATURE): f"{index:.6g}x{_STEPS}",
        _series(watched, conventions.METRIC_DRIFT_ROWS): f"{rows}x{_STEPS}",
    }


def _full(watched: Watched) -> dict[str, str]:
    return {_series(watched, conventions.METRIC_IN_FLIGHT): f"64x{_STEPS}"}
