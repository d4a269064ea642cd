"""When no table was scored in time, a run failed, or the rows are unlike those of training: alerts.

Jobs are known by the series of kube-state-metrics, which kube-prometheus-stack brings; rows and drift by
those that the pod itself shows while it runs and for two scrapes after.
"""

from __future__ import annotations

import math
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.schedule import longest_gap
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.render.monitoring.alerts import BRACES
from aimass_compiler.render.names import component_label, own_labels, served_labels, wanted_labels
from aimass_compiler.render.scoring.cron_job import name

OVERDUE, FAILED, MOVED = "ModelScoringOverdue", "ModelScoringFailed", "ModelScoringDrift"
#: A schedule may be late by so much before it counts.
_LATE_SECONDS = 1800


def prometheus_rule(pipeline: Pipeline, environment: str, scoring: Scoring, schedule: str) -> dict[str, Any]:
    """The alerts of one environment, as the Prometheus Operator takes them."""
    metadata = {
        "name": name(pipeline),
        "labels": dict(wanted_labels(pipeline.settings))
        | served_labels(pipeline.name, own_labels(pipeline.settings))
        | component_label(conventions.COMPONENT_MONITORING),
    }
    group = {
        "name": f"{pipeline.name}.{environment}.scoring",
        "rules": [
            _overdue(pipeline, environment, scoring, schedule),
            _failed(pipeline, environment),
            _moved(pipeline, environment),
        ],
    }
    head = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": metadata}
    return {**head, "spec": {"groups": [group]}}


def _overdue(pipeline: Pipeline, environment: str, scoring: Scoring, schedule: str) -> dict[str, Any]:
    limit = 60 * longest_gap(schedule) + math.ceil(scoring.deadline.seconds) + _LATE_SECONDS
    chosen = _cron_job(pipeline, environment)
    done, made = (f"kube_cronjob_{what}{chosen}" for what in ("status_last_successful_time", "created"))
    expression = f"time() - max by (namespace) ({done}) > {limit}\n"
    expression += f"or time() - max by (namespace) ({made}) > {limit}\nunless on (namespace) {done}\n"
    hours = f"{limit / 3600:.0f} hours"
    description = f"No table was scored by {pipeline.name} in {environment} for {hours}: look at its jobs."
    return _rule(pipeline, environment, OVERDUE, expression, "5m", "has scored no table in time", description)


def _failed(pipeline: Pipeline, environment: str) -> dict[str, Any]:
    """The last run failed: one that succeeded later ends it, though the failed job is still there."""
    jobs = f'namespace="{pipeline.environments[environment].namespace}",job_name=~"{name(pipeline)}-[0-9]+"'
    began = (
        f"max by (namespace) (kube_job_status_start_time{{{jobs}}}\n"
        f'  and on (namespace, job_name) kube_job_failed{{{jobs},condition="true"}} == 1)'
    )
    done = f"max by (namespace) (kube_cronjob_status_last_successful_time{_cron_job(pipeline, environment)})"
    expression = f"{began}\nunless on (namespace) {done}\n> {began}\n"
    description = (
        f"A run of {pipeline.name} in {environment} failed after all of its tries: the log of its pod says "
        "why, and the table of before is what readers have."
    )
    return _rule(pipeline, environment, FAILED, expression, "1m", "could not score its table", description)


def _moved(pipeline: Pipeline, environment: str) -> dict[str, Any]:
    here = pipeline.environments[environment]
    chosen = f'{{model="{pipeline.name}",namespace="{here.namespace}"}}'
    limit, method = f"{here.monitoring.drift.page:.6g}", here.monitoring.drift.measure
    expression = (
        f"max by (namespace, model, feature) (max_over_time({method.scoring_series}{chosen}[1h])) > {limit}\n"
    )
    description = (
        f"The {method.shown} of {{{{ $labels.feature }}}} in the table that {pipeline.name} "
        f"scored in {environment} is above {limit}: look at where the table comes from, or train again."
    )
    return _rule(
        pipeline, environment, MOVED, expression, "0m", "scores rows unlike those of training", description
    )


def _cron_job(pipeline: Pipeline, environment: str) -> str:
    namespace = pipeline.environments[environment].namespace
    return f'{{namespace="{namespace}",cronjob="{name(pipeline)}"}}'


def _rule(
    pipeline: Pipeline, environment: str, alert: str, expression: str, hold: str, what: str, description: str
) -> dict[str, Any]:
    here = pipeline.environments[environment]
    notes = {"summary": f"{pipeline.name} {what}", "description": description}
    if pipeline.metadata.owner:
        notes["owner"] = pipeline.metadata.owner.replace("{{", BRACES)
    if here.monitoring.runbook is not None:
        notes[conventions.ANNOTATION_RUNBOOK] = here.monitoring.runbook
    return {
        "alert": alert,
        "expr": expression,
        "for": hold,
        "labels": {"severity": "ticket", "model": pipeline.name, "environment": environment},
        "annotations": notes,
    }
