"""Sloth: the service level objectives of each model in each environment, as rules for Prometheus.

It knows nothing else of a service, so its objects are not compared; its time is told beside the others'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.compile.measure import Call
from benchmarks.compile.peers import Task, read, write_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.compile.work import Service


class Sloth:
    """All objectives in one call."""

    name = "sloth generate (alerts of objectives only)"
    tool = "sloth"
    takes_environments = False

    def prepare(self, task: Task) -> None:
        for service in task.services:
            for environment in service.sizing:
                path = task.folder / "in" / f"{service.name}-{environment}.yaml"
                write_yaml(path, _objectives(service, environment))
        (task.folder / "out").mkdir()

    def calls(self, task: Task) -> Sequence[Call]:
        argv = (task.tools.paths["sloth"], "generate", "--input", "in", "--out", "out")
        return [Call((*argv, "--no-color"), task.folder)]

    def texts(self, task: Task) -> Iterable[str]:
        return read(task.folder, "out/*.yaml")


def _objectives(service: Service, environment: str) -> dict[str, object]:
    chosen = f'model="{service.name}",namespace="ml-{environment}"'
    answered = f"sum(rate(aimass_request_duration_seconds_count{{{chosen}}}[{{{{.window}}}}]))"
    end = service.latency_milliseconds / 1000
    fast = f'sum(rate(aimass_request_duration_seconds_bucket{{{chosen},le="{end:g}"}}[{{{{.window}}}}]))'
    failed = f'sum(rate(aimass_requests_total{{{chosen},code=~"5.."}}[{{{{.window}}}}]))'
    every = f"sum(rate(aimass_requests_total{{{chosen}}}[{{{{.window}}}}]))"
    return {
        "version": "prometheus/v1",
        "service": f"{service.name}-{environment}",
        "labels": {"model": service.name, "environment": environment},
        "slos": [
            _objective("availability", float(service.availability_percent), failed, every),
            _objective("latency-p99", 99.0, f"{answered} - {fast}", answered),
        ],
    }


def _objective(name: str, percent: float, bad: str, every: str) -> dict[str, object]:
    return {
        "name": name,
        "objective": percent,
        "sli": {"events": {"error_query": bad, "total_query": every}},
        "alerting": {
            "name": "ModelBudgetBurn",
            "page_alert": {"labels": {"severity": "page"}},
            "ticket_alert": {"labels": {"severity": "ticket"}},
        },
    }
