"""Unit tests of the alerts for `promtool test rules`: each fires when it must and is silent otherwise.

Format: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.monitoring.alerts import (
    ABSENT,
    BUDGET_BURN,
    DOWN,
    DRIFT,
    FEWEST_BAD_REQUESTS,
    IDLE,
    SATURATED,
    VIOLATED_SHARE,
    VIOLATIONS,
    Alert,
    Watched,
    alerts,
)
from aimass_compiler.render.monitoring.alerts import labels as alert_labels
from aimass_compiler.render.monitoring.objectives import AVAILABILITY

_FEATURE = "example"
_HOUR = 60  # minutes; long enough for every `for`, short enough for promtool
#: Minutes between evaluations, and between samples where a day must pass; five would make series stale.
_SPARSE = 4
_FLOW = 600  # requests a minute

Series = Mapping[str, str]


@dataclass(frozen=True)
class Scenario:
    """What the servers export, and which alerts that must raise; all others must be silent."""

    name: str
    series: Series
    raises: Callable[[Alert], bool] = field(default=lambda alert: False)  # noqa: ARG005  # nothing by default
    samples: int = _HOUR
    every: int = 1
    """Minutes between two samples."""


def alert_tests(watched: Watched, rule_file: str) -> dict[str, Any]:
    """The test file of the rules in `rule_file`."""
    return {
        "rule_files": [rule_file],
        "evaluation_interval": f"{_SPARSE}m",
        "tests": [_test(scenario, watched) for scenario in scenarios(watched)],
    }


def scenarios(watched: Watched) -> list[Scenario]:
    """Every way to go wrong, one at a time, and the near misses."""
    return [
        *_requests_gone_wrong(watched),
        *_drifts(watched),
        *_servers_gone_wrong(watched),
        *_callers(watched),
    ]


def _requests_gone_wrong(watched: Watched) -> Iterator[Scenario]:
    well = _healthy(watched)
    yield Scenario("all is well", well)
    everything = _requests(watched, _counting(0), failed=_counting(_FLOW))
    yield Scenario("every request fails", well | everything, lambda alert: _burns(alert, AVAILABILITY))
    few = f"0+1x{FEWEST_BAD_REQUESTS - 1} {FEWEST_BAD_REQUESTS - 1}x{_HOUR}"
    rare = _requests(watched, _counting(0), failed=few)
    yield Scenario("a few requests fail where there are few", well | rare)
    yield Scenario("requests fail within the budget", well | _within_budget(watched))
    slow = _durations(watched, in_time=_counting(0), answered=_counting(_FLOW))
    yield Scenario("every request is slow", well | slow, lambda alert: _burns(alert, "latency_"))


def _drifts(watched: Watched) -> Iterator[Scenario]:
    warn, page, rows = float(watched.warn), float(watched.page), int(watched.rows)
    well = _healthy(watched)
    much = well | _drifted(watched, page * 2, rows)
    yield Scenario("much drift", much, lambda alert: alert.name == DRIFT)
    some = well | _drifted(watched, (warn + page) / 2, rows)
    yield Scenario("some drift", some, lambda alert: (alert.name, alert.severity) == (DRIFT, "ticket"))
    yield Scenario("a little drift", well | _drifted(watched, warn / 2, rows))
    yield Scenario("much drift in few rows", well | _drifted(watched, page * 2, rows - 1))


def _servers_gone_wrong(watched: Watched) -> Iterator[Scenario]:
    well = _healthy(watched)
    yield Scenario("no server is there", {}, lambda alert: alert.name == ABSENT)
    yield Scenario(
        "a server does not answer", well | {_up(watched): _steady(0)}, lambda alert: alert.name == DOWN
    )
    yield Scenario("the servers are full", well | _busy(watched, 64), lambda alert: alert.name == SATURATED)
    yield Scenario("the servers are busy", well | _busy(watched, 50))


def _callers(watched: Watched) -> Iterator[Scenario]:
    hour, day = _HOUR // _SPARSE, 24 * _HOUR // _SPARSE
    samples = day + hour
    at_first = f"{_counting(_FLOW, hour)} {_FLOW * hour}x{day}"
    stopped = {
        **_healthy(watched, samples),
        **_requests(watched, at_first, failed=_steady(0, samples)),
        **_durations(watched, in_time=at_first, answered=at_first),
    }
    yield Scenario("requests stop coming", stopped, lambda alert: alert.name == IDLE, samples, _SPARSE)
    never = _healthy(watched) | _requests(watched, _counting(0), _counting(0))
    yield Scenario("nobody asks a new model", never)
    many = _healthy(watched) | _broken(watched, VIOLATED_SHARE * 2)
    yield Scenario("many requests break the contract", many, lambda alert: alert.name == VIOLATIONS)
    yield Scenario(
        "few requests break the contract", _healthy(watched) | _broken(watched, VIOLATED_SHARE / 2)
    )


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
        "interval": f"{scenario.every}m",
        "input_series": [{"series": name, "values": values} for name, values in scenario.series.items()],
        "alert_rule_test": [
            {
                "alertname": name,
                "eval_time": f"{scenario.samples * scenario.every - 1}m",
                "exp_alerts": raised,
            }
            for name, raised in by_name.items()
        ],
    }


def _raised(alert: Alert, watched: Watched) -> dict[str, Any]:
    own = {"feature": _FEATURE} if alert.name == DRIFT else {}
    texts = {"summary": alert.summary, "description": alert.description}
    annotations = {key: text.replace("{{ $labels.feature }}", _FEATURE) for key, text in texts.items()}
    if watched.runbook is not None:
        annotations["runbook_url"] = watched.runbook
    expected = {**alert_labels(alert, watched), "namespace": watched.namespace, **own}
    return {"exp_labels": expected, "exp_annotations": annotations}


def _series(watched: Watched, metric: str, **labels: str) -> str:
    """A series of the pod `one`."""
    every = {"namespace": watched.namespace, "model": watched.model, "pod": "one", **labels}
    return metric + "{" + ",".join(f'{name}="{value}"' for name, value in every.items()) + "}"


def _up(watched: Watched) -> str:
    return f'up{{namespace="{watched.namespace}",job="{watched.model}",pod="one"}}'


def _counting(per_minute: float, samples: int = _HOUR) -> str:
    """A counter that grows evenly."""
    return f"0+{per_minute:.6g}x{samples}"


def _steady(value: float, samples: int = _HOUR) -> str:
    """A gauge that stays as it is."""
    return f"{value:.6g}x{samples}"


def _healthy(watched: Watched, samples: int = _HOUR) -> dict[str, str]:
    flow = _counting(_FLOW, samples)
    return {
        _series(watched, conventions.METRIC_MODEL_INFO, version="1"): _steady(1, samples),
        _up(watched): _steady(1, samples),
        **_requests(watched, good=flow, failed=_steady(0, samples)),
        **_durations(watched, in_time=flow, answered=flow),
        **_drifted(watched, 0, int(watched.rows), samples),
        **_busy(watched, 1, samples),
        _series(watched, conventions.METRIC_CONCURRENCY_LIMIT): _steady(64, samples),
    }


def _requests(watched: Watched, good: str, failed: str) -> dict[str, str]:
    return {
        _series(watched, conventions.METRIC_REQUESTS, code="200"): good,
        _series(watched, conventions.METRIC_REQUESTS, code="500"): failed,
    }


def _within_budget(watched: Watched) -> dict[str, str]:
    failed = _FLOW * watched.budget / 2
    return _requests(watched, _counting(_FLOW - failed), failed=_counting(failed))


def _broken(watched: Watched, share: float) -> dict[str, str]:
    refused = _counting(_FLOW * share)
    return {
        _series(watched, conventions.METRIC_REQUESTS, code="200"): _counting(_FLOW * (1 - share)),
        _series(watched, conventions.METRIC_REQUESTS, code="422"): refused,
        _series(watched, conventions.METRIC_VIOLATIONS, field=_FEATURE): refused,
    }


def _durations(watched: Watched, in_time: str, answered: str) -> dict[str, str]:
    buckets = {
        _series(watched, f"{conventions.METRIC_DURATION}_bucket", le=str(end)): in_time
        for _, end in watched.ends
    }
    return buckets | {_series(watched, f"{conventions.METRIC_DURATION}_count"): answered}


def _drifted(watched: Watched, index: float, rows: int, samples: int = _HOUR) -> dict[str, str]:
    return {
        _series(watched, conventions.METRIC_DRIFT, feature=_FEATURE): _steady(index, samples),
        _series(watched, conventions.METRIC_DRIFT_ROWS): f"{rows}x{samples}",
    }


def _busy(watched: Watched, in_flight: int, samples: int = _HOUR) -> dict[str, str]:
    return {_series(watched, conventions.METRIC_IN_FLIGHT): _steady(in_flight, samples)}
