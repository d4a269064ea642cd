"""When a gate is missed in production, or nothing was measured for long: alerts."""

from __future__ import annotations

import math
from typing import Any

from aimass_compiler import conventions, record_names
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.monitoring import Labels
from aimass_compiler.pipeline.schedule import longest_gap
from aimass_compiler.render.monitoring.alerts import BRACES
from aimass_compiler.render.names import component_label, own_labels, served_labels, wanted_labels

LOW, STALE = "ModelQualityLow", "ModelQualityStale"
#: How long a measurement counts, at least: who measures by the day may miss one.
_STALE_SECONDS = 3 * 86_400
#: A schedule may be late by so much before it counts.
_LATE_SECONDS = 1800


def prometheus_rule(pipeline: Pipeline, environment: str, labels: Labels) -> dict[str, Any]:
    """The alerts of one environment, as the Prometheus Operator takes them."""
    name = _name(pipeline)
    own = served_labels(pipeline.name, own_labels(pipeline.settings))
    metadata = {
        "name": name,
        "labels": dict(wanted_labels(pipeline.settings))
        | own
        | component_label(conventions.COMPONENT_MONITORING),
    }
    rules = [
        *(_low(pipeline, environment, labels, severity) for severity in ("page", "ticket")),
        _stale(pipeline, environment, labels),
    ]
    head = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": metadata}
    return {**head, "spec": {"groups": [{"name": f"{pipeline.name}.{environment}.quality", "rules": rules}]}}


def _low(pipeline: Pipeline, environment: str, labels: Labels, severity: str) -> dict[str, Any]:
    """A ticket where a gate is missed, and a page where it is surely missed: by the whole interval.

    What a scheduled job measured counts until the next one has measured; of several versions the last one.
    """
    is_sure = severity == "page"
    chosen = _chosen(pipeline, environment, f',sure="{"yes" if is_sure else "no"}"')
    span = _span(labels)
    expression = (
        "max by (namespace, model, version, metric, condition, slice) "
        f"(last_over_time({record_names.SERIES_QUALITY_MISSED}{chosen}[{span}])) > 0\n"
    )
    if labels.schedule is not None:
        times = f"{record_names.SERIES_QUALITY_TIME}{_chosen(pipeline, environment)}[{span}]"
        newest = f"topk by (namespace, model) (1, last_over_time({times}))"
        expression += f"and on (namespace, model, version) {newest}\n"
    sure = "The whole 95 % interval is beyond it." if is_sure else "Chance alone may be the reason."
    description = (
        f"By the truth of recorded requests, {{{{ $labels.metric }}}} of {pipeline.name} in {environment} "
        f"misses the gate {{{{ $labels.condition }}}}, version {{{{ $labels.version }}}}. {sure}"
    )
    summary = f"{{{{ $labels.metric }}}} of {pipeline.name} misses its gate in production"
    return _rule(pipeline, environment, (LOW, severity), expression, (summary, description))


def _stale(pipeline: Pipeline, environment: str, labels: Labels) -> dict[str, Any]:
    chosen = _chosen(pipeline, environment)
    series = f"{record_names.SERIES_QUALITY_TIME}{chosen}"
    limit = int(max(_STALE_SECONDS, labels.delay.seconds))
    expression = f"time() - max by (namespace, model) ({series}) > {limit}\n"
    runs = "what runs `aimass truth`"
    if labels.schedule is not None:
        limit, runs = _seconds(labels), "the jobs of its CronJob"
        namespace, job = pipeline.environments[environment].namespace, _name(pipeline)
        made = f'kube_cronjob_created{{namespace="{namespace}",cronjob="{job}"}}'
        expression = (
            f"time() - max by (namespace) ({made}) > {limit}\n"
            f"unless on (namespace) max by (namespace) (last_over_time({series}[{limit}s]))\n"
        )
    description = (
        f"{pipeline.name} in {environment} was not measured for {limit // 3600} hours: look at {runs}, "
        "and at where the truth comes from."
    )
    summary = f"the quality of {pipeline.name} is not known any more"
    return _rule(pipeline, environment, (STALE, "ticket"), expression, (summary, description))


def _span(labels: Labels) -> str:
    """How long a measurement counts."""
    return "1h" if labels.schedule is None else f"{_seconds(labels)}s"


def _seconds(labels: Labels) -> int:
    """How long after one measurement by the clock the next one must have been, at the latest."""
    assert labels.schedule is not None  # noqa: S101  # asked where there is one
    return 60 * longest_gap(labels.schedule) + math.ceil(labels.deadline.seconds) + _LATE_SECONDS


def _name(pipeline: Pipeline) -> str:
    return conventions.QUALITY.format(model=pipeline.name)


def _chosen(pipeline: Pipeline, environment: str, more: str = "") -> str:
    namespace = pipeline.environments[environment].namespace
    return f'{{model="{pipeline.name}",namespace="{namespace}"{more}}}'


def _rule(
    pipeline: Pipeline, environment: str, alert: tuple[str, str], expression: str, texts: tuple[str, str]
) -> dict[str, Any]:
    notes = dict(zip(("summary", "description"), texts, strict=True))
    if pipeline.metadata.owner:
        notes["owner"] = pipeline.metadata.owner.replace("{{", BRACES)
    runbook = pipeline.environments[environment].monitoring.runbook
    if runbook is not None:
        notes[conventions.ANNOTATION_RUNBOOK] = runbook
    return {
        "alert": alert[0],
        "expr": expression,
        "for": "15m",
        "labels": {"severity": alert[1], "model": pipeline.name, "environment": environment},
        "annotations": notes,
    }
