"""Argo Rollouts' own controller judges canaries by a real Prometheus, as promtool says that it must."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from monitoring.test_canary import CANARY, NAMESPACE, STABLE, STORIES, template

from scripts.cluster import programs, rollouts
from scripts.cluster.cluster import Cluster
from tests.cluster.served import eventually
from tests.harness.prometheus import server as prometheus
from tests.harness.prometheus.server import Prometheus

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
_EVERY_SECONDS, _BEFORE, _AFTER = 30, 24, 20
_PHASES = {"passed": "Successful", "failed": "Failed", "open": "Inconclusive"}


@pytest.fixture
def watching(tmp_path: Path, build: Callable[[Sequence[str]], None]) -> Iterator[Prometheus]:
    """A Prometheus that has seen every story, each in a namespace of its own."""
    build(["prometheus", "promtool"])
    samples = tmp_path / "samples.txt"
    samples.write_text("".join(_samples()), encoding="utf-8")
    blocks = [programs.program("promtool"), "tsdb", "create-blocks-from", "openmetrics", samples]
    subprocess.run([*blocks, tmp_path / "data"], check=True, capture_output=True)
    with prometheus.running(tmp_path, {}, "5m") as found:
        yield found


def _samples() -> Iterator[str]:
    """The series of all stories, as OpenMetrics: they rise from twelve minutes ago into the future."""
    start = int(time.time()) - _BEFORE * _EVERY_SECONDS
    for place, (canary, stable, _) in enumerate(STORIES.values()):
        for version, of in ((CANARY, canary), (STABLE, stable)):
            for name, rise in of.series(version) if of is not None else ():
                own = name.replace(f'namespace="{NAMESPACE}"', f'namespace="story-{place}"')
                for step in range(_BEFORE + _AFTER):
                    yield f"{own} {step * rise / 2} {start + step * _EVERY_SECONDS}\n"
    yield "# EOF\n"


def test_every_story_of_a_canary_ends_as_promtool_says(
    cluster: Cluster,
    namespace: str,
    watching: Prometheus,
    build: Callable[[Sequence[str]], None],
    tmp_path: Path,
) -> None:
    build(programs.ROLLOUTS)
    with rollouts.running(cluster, namespace, tmp_path) as controller:
        runs = [
            _run(place, template("churn-verdict", is_number=bool((canary or stable).edges)), watching)
            for place, (canary, stable, _) in enumerate(STORIES.values())
            if canary or stable
        ]
        cluster.apply([{**run, "metadata": {**run["metadata"], "namespace": namespace}} for run in runs])
        eventually(lambda: len(_ended(cluster, namespace)) == len(runs), "every analysis has ended")
        assert controller.is_running, controller.last_words()
    found = _ended(cluster, namespace)
    for place, (story, (_, _, unusual)) in enumerate(STORIES.items()):
        every = dict.fromkeys(("requests", "errors", "answer-time", "shift"), "passed") | unusual
        assert found[f"story-{place}"] == {name: _PHASES[told] for name, told in every.items()}, story


def _run(place: int, template: dict[str, Any], watching: Prometheus) -> dict[str, Any]:
    """The AnalysisRun that a Rollout makes of a template."""
    values = {"namespace": f"story-{place}", "canary": CANARY, "stable": STABLE}
    for metric in template["spec"]["metrics"]:
        metric["provider"]["prometheus"]["address"] = watching.address
    arguments = [{"name": name, "value": value} for name, value in values.items()]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": f"story-{place}"},
        "spec": {"metrics": template["spec"]["metrics"], "args": arguments},
    }


def _ended(cluster: Cluster, namespace: str) -> dict[str, dict[str, str]]:
    """What each measure of each story came to, once its analysis is over."""
    return {
        run["metadata"]["name"]: {
            result["name"]: result["measurements"][0]["phase"] for result in run["status"]["metricResults"]
        }
        for run in cluster.objects("analysisruns", namespace)
        if run.get("status", {}).get("phase") in _PHASES.values()
    }
