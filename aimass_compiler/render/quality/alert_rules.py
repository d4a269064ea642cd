"""When a gate is missed in production, or nothing was measured for long: alerts."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions, record_names
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.monitoring import Labels
from aimass_compiler.render.monitoring.alerts import BRACES
from aimass_compiler.render.names import component_label, own_labels, served_labels, wanted_labels

LOW, STALE = "ModelQualityLow", "ModelQualityStale"
#: How long a measurement counts, at least: who measures by the day may miss one.
_STALE_SECONDS = 3 * 86_400


def prometheus_rule(pipeline: Pipeline, environment: str, labels: Labels) -> dict[str, Any]:
    """The alerts of one environment, as the Prometheus Operator takes them."""
    name = conventions.QUALITY.format(model=pipeline.name)
    own = served_labels(pipeline.name, own_labels(pipeline.settings))
    metadata = {
        "name": name,
        "labels": dict(wanted_labels(pipeline.settings))
        | own
        | component_label(conventions.COMPONENT_MONITORING),
    }
    rules = [
        *(_low(pipeline, environment, severity) for severity in ("page", "ticket")),
        _stale(pipeline, environment, labels),
    ]
    head = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": metadata}
    return {**head, "spec": {"groups": [{"name": f"{pipeline.name}.{environment}.quality", "rules": rules}]}}


def _low(pipeline: Pipeline, environment: str, severity: str) -> dict[str, Any]:
    """A ticket where a gate is missed, and a page where it is surely missed: by the whole interval."""
    is_sure = severity == "page"
    chosen = _chosen(pipeline, environment, f',sure="{"yes" if is_sure else "no"}"')
    expression = (
        "max by (namespace, model, version, metric, condition, slice) "
        f"(last_over_time({record_names.SERIES_QUALITY_MISSED}{chosen}[1h])) > 0\n"
    )
    sure = "The whole 95 % interval is beyond it." if is_sure else "Chance alone may be the reason."
    description = (
        f"By the truth of recorded requests, {{{{ $labels.metric }}}} of {pipeline.name} in {environment} "
        f"misses the gate {{{{ $labels.condition }}}}, version {{{{ $labels.version }}}}. {sure}"
    )
    summary = f"{{{{ $labels.metric }}}} of {pipeline.name} misses its gate in production"
    return _rule(pipeline, environment, (LOW, severity), expression, (summary, description))


def _stale(pipeline: Pipeline, environment: str, labels: Labels) -> dict[str, Any]:
    chosen = _chosen(pipeline, environment)
    limit = int(max(_STALE_SECONDS, labels.delay.seconds))
    expression = (
        f"time() - max by (namespace, model) ({record_names.SERIES_QUALITY_TIME}{chosen}) > {limit}\n"
    )
    description = (
        f"{pipeline.name} in {environment} was not measured for {limit // 3600} hours: look at what runs "
        "`aimass truth`, and at where the truth comes from."
    )
    summary = f"the quality of {pipeline.name} is not known any more"
    return _rule(pipeline, environment, (STALE, "ticket"), expression, (summary, description))


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
