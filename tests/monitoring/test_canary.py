"""Prometheus' own tool tells what becomes of canaries: good, failing, slow, shifted, silent.

A condition of Argo Rollouts compares one number, and PromQL with `bool` compares it likewise: empty results
and NaN fulfil neither condition. What its own controller makes of the templates is seen in nightly/.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from render.models import pipeline
from render.test_monitoring import REGRESSION

from aimass_compiler import conventions
from aimass_compiler.render.serving import analysis

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: `make test` builds it where there is Go"
)
NAMESPACE, CANARY, STABLE = "ml-prod", "7d9f5c6b8", "5c4d8f9b7"
MINUTES = 12
LABELS = {"no": 0.8, "yes": 0.2}
#: Deciles of two trainings on other rows, and how numbers are spread over them.
EDGES, OTHER_EDGES = tuple(range(100, 1000, 100)), tuple(range(120, 1000, 97))


@dataclass(frozen=True)
class Version:
    """What the servers of a version answer in a minute."""

    requests: float = 60
    failed: float = 0
    """The share of requests with an error."""
    slow: float = 0
    """The share of requests that take a second; the others take ten milliseconds."""
    labels: Mapping[str, float] = field(default_factory=lambda: LABELS)
    edges: tuple[float, ...] = ()
    middle: float = 500
    """Of numbers, which are spread evenly over 800 around it."""

    def series(self, version: str) -> Iterator[tuple[str, float]]:
        """Each series and its rise in a minute."""
        yield _name(conventions.METRIC_REQUESTS, version, code="200"), self.requests * (1 - self.failed)
        yield _name(conventions.METRIC_REQUESTS, version, code="500"), self.requests * self.failed
        yield _name(f"{conventions.METRIC_DURATION}_count", version), self.requests
        for end in (*conventions.DURATION_BUCKETS, math.inf):
            share = (1 - self.slow) * (end >= 0.01) + self.slow * (end >= 1)
            yield _name(f"{conventions.METRIC_DURATION}_bucket", version, le=_le(end)), self.requests * share
        rows = self.requests * (1 - self.failed)
        yield _name(conventions.METRIC_ROWS, version), rows
        for label, share in self.labels.items() if not self.edges else ():
            yield _name(conventions.METRIC_LABELS, version, label=label), rows * share
        for end in (*self.edges, math.inf) if self.edges else ():
            share = min(1.0, max(0.0, (end - self.middle + 400) / 800))
            yield _name(f"{conventions.METRIC_PREDICTION}_bucket", version, le=_le(end)), rows * share


def _le(end: float) -> str:
    return "+Inf" if end == math.inf else str(end)


def _name(metric: str, version: str, **labels: str) -> str:
    every = {"namespace": NAMESPACE, "model": "churn", "pod": f"churn-{version}-x2x7k", **labels}
    return metric + "{" + ",".join(f'{key}="{value}"' for key, value in every.items()) + "}"


GOOD = Version()
BUSY = Version(requests=1200)
MANY = {f"label{number}": 1 / 60 for number in range(60)}
NUMBERS = Version(edges=EDGES)
MANY_NUMBERS = Version(requests=1200, edges=EDGES)
#: What the new version does, what the stable one does, and which measures fail or cannot be decided.
STORIES: dict[str, tuple[Version | None, Version | None, dict[str, str]]] = {
    "as good as the stable version": (GOOD, BUSY, {}),
    "one error": (Version(failed=1 / 600), BUSY, {}),
    "errors": (Version(failed=0.1), BUSY, {"errors": "failed"}),
    "nothing but errors": (Version(failed=1), BUSY, {"errors": "failed", "shift": "open"}),
    "slow": (Version(slow=0.2), BUSY, {"answer-time": "failed"}),
    "slow for a few requests": (Version(slow=0.01), BUSY, {}),
    "as slow as the stable version": (Version(slow=0.2), Version(1200, slow=0.2), {}),
    "slow beside a silent stable version": (
        Version(slow=0.2),
        Version(0),
        {"answer-time": "failed", "shift": "open"},
    ),
    "other answers": (Version(labels={"no": 0.4, "yes": 0.6}), BUSY, {"shift": "failed"}),
    "slightly other answers": (Version(labels={"no": 0.75, "yes": 0.25}), BUSY, {}),
    "many labels in few rows": (Version(12, labels=MANY), Version(240, labels=MANY), {}),
    "few requests": (Version(9), BUSY, {"requests": "open", "shift": "open"}),
    "few requests, all of them failed": (
        Version(9, failed=1),
        BUSY,
        {"errors": "failed", "requests": "open", "shift": "open"},
    ),
    "no request": (Version(0), BUSY, {"requests": "open", "shift": "open"}),
    "no server": (None, BUSY, {"requests": "open", "shift": "open"}),
    "no stable server": (GOOD, None, {"shift": "open"}),
    "the same numbers": (NUMBERS, MANY_NUMBERS, {}),
    "the same numbers in other bins": (Version(edges=OTHER_EDGES), MANY_NUMBERS, {}),
    "slightly larger numbers": (Version(edges=EDGES, middle=540), MANY_NUMBERS, {}),
    "larger numbers": (Version(edges=EDGES, middle=750), MANY_NUMBERS, {"shift": "failed"}),
    "numbers beyond all bins": (Version(edges=EDGES, middle=5000), MANY_NUMBERS, {"shift": "failed"}),
    "no numbers": (Version(0, edges=EDGES), MANY_NUMBERS, {"requests": "open", "shift": "open"}),
}


@pytest.mark.parametrize("story", STORIES)
def test_each_step_ends_with_the_right_verdict(story: str, tmp_path: Path) -> None:
    canary, stable, expected = STORIES[story]
    is_number = bool((canary or GOOD).edges)
    check(template("churn-verdict", is_number=is_number), canary, stable, expected, tmp_path)


@pytest.mark.parametrize(
    ("story", "failing"),
    [
        ("no request", set()),
        ("no server", set()),
        ("few requests", set()),
        ("other answers", set()),
        ("errors", {"errors"}),
        ("slow", {"answer-time"}),
    ],
)
def test_the_watch_ends_only_what_is_broken(story: str, failing: set[str], tmp_path: Path) -> None:
    canary, stable, _ = STORIES[story]
    check(template("churn"), canary, stable, dict.fromkeys(failing, "failed"), tmp_path)


def template(name: str, *, is_number: bool = False) -> dict[str, Any]:
    built = pipeline(REGRESSION if is_number else {})
    prometheus = built.settings.prometheus
    found = analysis.templates("churn", built.environments["prod"].serving, built.task, prometheus)
    return next(each for each in found if each["metadata"]["name"] == name)


def check(
    template: dict[str, Any],
    canary: Version | None,
    stable: Version | None,
    expected: Mapping[str, str],
    folder: Path,
) -> None:
    """Have promtool say whether each metric of a template comes to what is expected, else passes."""
    test = {
        "interval": "30s",
        "input_series": [
            {"series": name, "values": f"0+{rise / 2}x{2 * MINUTES}"}
            for version, of in ((CANARY, canary), (STABLE, stable))
            for name, rise in (of.series(version) if of is not None else ())
        ],
        "promql_expr_test": [
            expectation
            for metric in template["spec"]["metrics"]
            for expectation in expectations(metric, expected.get(metric["name"], "passed"))
        ],
    }
    path = folder / "canary.test.yaml"
    path.write_text(json.dumps({"evaluation_interval": "30s", "tests": [test]}), encoding="utf-8")
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def expectations(metric: dict[str, Any], verdict: str) -> Iterator[dict[str, Any]]:
    """Which conditions of a metric must be fulfilled; where it has one only, the other is its contrary."""
    wanted = {"successCondition": verdict == "passed", "failureCondition": verdict == "failed"}
    assert verdict != "open" or metric.keys() >= wanted.keys()
    query = metric["provider"]["prometheus"]["query"]
    for argument, value in {"namespace": NAMESPACE, "canary": CANARY, "stable": STABLE}.items():
        query = query.replace(f"{{{{args.{argument}}}}}", value)
    for key, is_so in wanted.items():
        if metric.get(key, "false") == "false":
            continue
        known, _, compared = metric[key].rpartition(" && ")
        assert known == "len(result) > 0 && !isNaN(result[0])"
        found = re.fullmatch(r"result\[0\] (>|>=|<=) ([0-9.]+)", compared)
        assert found is not None, compared
        yield {
            "expr": f"({query}) {found[1]} bool {found[2]} == 1",
            "eval_time": f"{MINUTES}m",
            "exp_samples": [{"labels": "{}", "value": 1}] if is_so else [],
        }
