"""What decides on a canary: its errors, answer times and predictions, asked of Prometheus by Argo Rollouts.

Two templates: one watches all the time and ends what is plainly broken; one gives a verdict at the end of
each step, and none where there were too few requests: then the rollout waits for people.
Source: https://argo-rollouts.readthedocs.io/en/stable/features/analysis/#inconclusive-runs
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.catalog.task import Task
from aimass_compiler.pipeline.serving import Rollout, Serving
from aimass_compiler.pipeline.settings import Prometheus
from aimass_compiler.render.serving.series import Timed, requests_of, text_of

#: How far the watch looks back, and how often it looks.
_WATCHED, _INTERVAL = "5m", "1m"
#: Measurements that may fail before the watch ends a canary: one slow moment is none.
_PATIENCE = 2
#: The pace of the page's alert, where the spec names no share of errors.
_FAST_BURN = 14.4
_MOST_ERRORS = 0.5
#: One or two failed requests among a hundred happen to good versions.
_FEWEST_FAILURES = 3
#: The answer time is that of so many requests at least: the slowest of a new server are slow by starting.
_FEWEST_SLOW = 10
_PERCENTILE = 0.99
#: Where numbers are compared, and between which quantiles lies what a shift is a share of.
_QUANTILES = (0.25, 0.5, 0.75)
_LOW, _HIGH = 0.1, 0.9
#: Added to the count of each label, so that one that nobody got weighs little where there are few rows.
_PRIOR = 0.5
#: What the Rollout says: its pods are called by the hash of their template.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "namespace": {"fieldRef": {"fieldPath": "metadata.namespace"}},
    "canary": {"podTemplateHashValue": "Latest"},
    "stable": {"podTemplateHashValue": "Stable"},
}
_AUTHORIZATION = "authorization"
_TENANT = "X-Scope-OrgID"
_IS_KNOWN = "len(result) > 0 && !isNaN(result[0])"


class Compared(Struct, frozen=True):
    """Two versions of a model over a window, in PromQL."""

    model: str
    window: str

    def canary(self, metric: str, *more: str) -> str:
        """What the new version's servers counted."""
        return self._increase(metric, "canary", more)

    def stable(self, metric: str, *more: str) -> str:
        """What the stable version's servers counted."""
        return self._increase(metric, "stable", more)

    def _increase(self, metric: str, version: str, more: tuple[str, ...]) -> str:
        own = (
            f'model="{self.model}"',
            'namespace="{{args.namespace}}"',
            f'pod=~"{self.model}-{{{{args.{version}}}}}-.+"',
        )
        return f"increase({metric}{{{','.join((*own, *more))}}}[{self.window}])"


def pause_seconds(rollout: Rollout) -> int:
    """How long a step lasts, in whole seconds as PromQL has them."""
    return math.ceil(rollout.pause.seconds)


def watch_name(model: str) -> str:
    """The template that watches all the time."""
    return model


def verdict_name(model: str) -> str:
    """The template that ends each step."""
    return conventions.VERDICT.format(model=model)


def templates(model: str, serving: Serving, task: Task, prometheus: Prometheus) -> list[dict[str, Any]]:
    """The AnalysisTemplates of a model."""
    rollout = serving.rollout
    watched = Compared(model, _WATCHED)
    step = Compared(model, f"{pause_seconds(rollout)}s")
    again = {"interval": _INTERVAL, "failureLimit": _PATIENCE}
    broken = [errors(watched, serving), *times(watched, serving)]
    verdict = [requests(step, serving), errors(step, serving), *times(step, serving)]
    if text_of(serving) is None:  # what text says is no number that could move
        verdict.append(shift(step, rollout, task))
    return [
        _template(watch_name(model), [{**each, **again} for each in broken], prometheus),
        _template(verdict_name(model), verdict, prometheus),
    ]


def requests(compared: Compared, serving: Serving) -> dict[str, Any]:
    """How often the new version was asked; too seldom is no failure, and no success."""
    counted = requests_of(serving)
    return {
        "name": "requests",
        "successCondition": f"{_IS_KNOWN} && result[0] >= {serving.rollout.analysis.requests}",
        "failureCondition": "false",
        "query": f"sum({compared.canary(counted.counter, *counted.of_callers)})",
    }


def errors(compared: Compared, serving: Serving) -> dict[str, Any]:
    """The share of requests that the new version failed; nothing where it failed hardly any."""
    counted = requests_of(serving)
    failed = f"sum({compared.canary(counted.counter, *counted.of_callers, counted.failed)})"
    every = f"sum({compared.canary(counted.counter, *counted.of_callers)})"
    return {
        "name": "errors",
        "failureCondition": f"{_IS_KNOWN} && result[0] > {allowed_errors(serving):.6g}",
        "query": f"({failed} >= {_FEWEST_FAILURES}) / {every}",
    }


def allowed_errors(serving: Serving) -> float:
    """The share of requests that a new version may fail."""
    if (errors := serving.rollout.analysis.errors) is not None:
        return errors.fraction
    return min(_FAST_BURN * (1 - serving.objectives.availability.fraction), _MOST_ERRORS)


def times(compared: Compared, serving: Serving) -> Iterator[dict[str, Any]]:
    """How long the slowest of what callers wait for may take: answers, or tokens."""
    if (text := text_of(serving)) is None:
        promised = serving.objectives.latency.p99
        seconds = None if promised is None else promised.seconds
        answers = Timed("answer-time", conventions.METRIC_DURATION, seconds or 0, 1 - _PERCENTILE)
        yield slowness(answers, compared, serving)
        return
    yield from (slowness(time, compared, serving) for time in text.times)


def slowness(time: Timed, compared: Compared, serving: Serving) -> dict[str, Any]:
    """How many times as long as allowed the slowest of the new version take.

    Allowed is what is promised, or a multiple of what the stable version takes where that is longer.
    """
    count, bucket = f"{time.histogram}_count", f"{time.histogram}_bucket"
    percentile = round(1 - time.share, 9)
    slowest = f"scalar(clamp_max(1 - {_FEWEST_SLOW} / sum({compared.canary(count)}), {percentile:g}))"
    taken = f"histogram_quantile({slowest}, sum by (le) ({compared.canary(bucket)}))"
    stable = f"histogram_quantile({percentile:g}, sum by (le) ({compared.stable(bucket)}))"
    limit = f"{serving.rollout.analysis.slower:g} * {stable}"
    if time.end:
        seconds = f"{time.end:g}"
        limit = f"(clamp_min({limit}, {seconds}) >= 0 or vector({seconds}))"  # without requests it is NaN
    return {
        "name": time.name.replace("_", "-"),
        "failureCondition": f"{_IS_KNOWN} && result[0] > 1",
        "query": f"{taken} / {limit}",
    }


def shift(compared: Compared, rollout: Rollout, task: Task) -> dict[str, Any]:
    """How far the predictions of the new version are from those of the stable one, asked at the same time."""
    query = _of_labels(compared) if task.is_classification else _of_numbers(compared)
    enough = " and on () ".join(
        f"(sum({of(conventions.METRIC_ROWS)}) >= {rollout.analysis.requests})"
        for of in (compared.canary, compared.stable)
    )
    limit = f"{rollout.analysis.shift:g}"
    return {
        "name": "shift",
        "successCondition": f"{_IS_KNOWN} && result[0] <= {limit}",
        "failureCondition": f"{_IS_KNOWN} && result[0] > {limit}",
        "query": f"({query}) and on () {enough}",
    }


def _of_labels(compared: Compared) -> str:
    """The population stability index of the labels, without what chance alone makes of so few rows."""
    by_version = (compared.canary, compared.stable)
    counts = [f"(sum by (label) ({of(conventions.METRIC_LABELS)}) + {_PRIOR})" for of in by_version]
    new, old = (f"({count} / scalar(sum({count})))" for count in counts)
    few = " + ".join(f"1 / sum({count})" for count in counts)
    return f"sum(({new} - {old}) * ln({new} / {old})) - (count({counts[1]}) - 1) * ({few})"


def _of_numbers(compared: Compared) -> str:
    """The largest move of a quartile, as a share of the range that holds most predictions.

    Quantiles, because the histograms of two versions have bins of their own: deciles of their training.
    """
    values = f"{conventions.METRIC_PREDICTION}_bucket"
    new, old = (f"sum by (le) ({of(values)})" for of in (compared.canary, compared.stable))
    moves = (f"histogram_quantile({q}, {new}) - histogram_quantile({q}, {old})" for q in _QUANTILES)
    named = zip(moves, _QUANTILES, strict=True)  # or they would hide each other
    moved = " or ".join(f'label_replace(abs({move}), "quantile", "{q}", "", "")' for move, q in named)
    return f"max({moved}) / (histogram_quantile({_HIGH}, {old}) - histogram_quantile({_LOW}, {old}) > 0)"


def _template(name: str, metrics: list[dict[str, Any]], prometheus: Prometheus) -> dict[str, Any]:
    arguments: list[dict[str, Any]] = [{"name": argument} for argument in ARGUMENTS]
    headers = []
    if prometheus.tenant is not None:
        headers.append({"key": _TENANT, "value": prometheus.tenant})
    if prometheus.secret is not None:
        secret = {"name": prometheus.secret, "key": _AUTHORIZATION}
        arguments.append({"name": _AUTHORIZATION, "valueFrom": {"secretKeyRef": secret}})
        headers.append({"key": "Authorization", "value": f"{{{{args.{_AUTHORIZATION}}}}}"})
    shared = {"address": prometheus.address} | ({"headers": headers} if headers else {})
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": name},
        "spec": {"args": arguments, "metrics": [_asked(each, shared) for each in metrics]},
    }


def _asked(metric: dict[str, Any], prometheus: dict[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in metric.items() if key != "query"}
    return {**own, "provider": {"prometheus": {**prometheus, "query": metric["query"]}}}
