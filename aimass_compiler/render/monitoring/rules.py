"""The rule groups that Prometheus evaluates for one model in one environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.monitoring.alerts import (
    BUDGET_BURN,
    DRIFT,
    IDLE,
    VIOLATIONS,
    AlertContext,
    alerts,
    rule,
)
from aimass_compiler.render.monitoring.objectives import BURNS, Indicator
from aimass_compiler.render.names import Labels, component_label, served_labels

_GROUPS = {BUDGET_BURN: "objectives", DRIFT: "drift", IDLE: "callers", VIOLATIONS: "callers"}


def groups(watched: AlertContext) -> list[dict[str, Any]]:
    """Recordings first, in a group of their own, then the alerts by subject."""
    records = [record for indicator in watched.indicators for record in _records(indicator)]
    by_group: dict[str, list[dict[str, Any]]] = {"records": records}
    for alert in alerts(watched):
        by_group.setdefault(_GROUPS.get(alert.name, "servers"), []).append(rule(alert, watched))
    return [
        {"name": f"{watched.model}.{watched.environment}.{subject}", "rules": rules}
        for subject, rules in by_group.items()
        if rules
    ]


def _records(indicator: Indicator) -> Iterator[dict[str, Any]]:
    burns = [burn for severity in BURNS for burn in indicator.burns(severity)]
    windows = dict.fromkeys(window for burn in burns for window in (burn.short, burn.long))
    for window in windows:
        yield {"record": indicator.recorded(window), "expr": indicator.ratio(window)}


def rule_head(model: str) -> dict[str, Any]:
    """What the object is called, without what it holds."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": model},
    }


def prometheus_rule(watched: AlertContext, wanted: Labels, own: Labels) -> dict[str, Any]:
    """The groups as the Prometheus Operator takes them, with the labels by which it finds them."""
    labels = (
        dict(wanted) | served_labels(watched.model, own) | component_label(conventions.COMPONENT_MONITORING)
    )
    head = rule_head(watched.model)
    metadata = {**head["metadata"], "labels": labels}
    return {**head, "metadata": metadata, "spec": {"groups": groups(watched)}}
