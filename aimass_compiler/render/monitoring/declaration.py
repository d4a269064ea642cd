"""What a model says of itself where rules are the fleet's: one series, whose labels are its thresholds.

It is released and withdrawn with the model, so that the fleet's rules need to know none, and servers need to
export none of it: those of an earlier release, or of another maker, are watched by what git says now.
"""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions, drift_methods
from aimass_compiler.render.monitoring.alerts import Watched
from aimass_compiler.render.monitoring.rules import rule_head
from aimass_compiler.render.names import Labels, component_label, served_labels

#: The series; its value is 1.
DECLARED = conventions.SERIES_DECLARED
#: The labels of its thresholds, as PromQL writes numbers. Those of objectives of time have the objectives'
#: names, and say the end of the bucket that stands for it.
BUDGET, WAITING = conventions.LABEL_BUDGET, "waiting"
DRIFT_PAGE, DRIFT_WARN, DRIFT_ROWS = "drift_page", "drift_warn", "drift_rows"
#: How drift is measured, where it is not as usual.
DRIFT_METHOD = "drift_method"
#: Of a model that has no server while no request comes.
RESTS = "rests"
#: How often it is recorded: rarely, but more often than every five minutes, after which Prometheus forgets.
INTERVAL = "2m"


def declaration_groups(watched: Watched, team: str) -> list[dict[str, Any]]:
    """The one rule of a model in an environment; `team` is empty where it is of none."""
    labels = {
        "namespace": watched.namespace,
        "model": watched.model,
        "environment": watched.environment,
        "team": team,
        "owner": watched.owner,
        conventions.LABEL_RUNBOOK: watched.runbook,
        **_thresholds(watched),
    }
    rule = {
        "record": DECLARED,
        "expr": "vector(1)",
        "labels": {name: value for name, value in labels.items() if value},
    }
    name = f"{watched.model}.{watched.environment}.declared"
    return [{"name": name, "interval": INTERVAL, "rules": [rule]}]


def declaration(watched: Watched, team: str, wanted: Labels, own: Labels) -> dict[str, Any]:
    """The rule as the Prometheus Operator takes it, with the labels by which it finds it."""
    labels = (
        dict(wanted) | served_labels(watched.model, own) | component_label(conventions.COMPONENT_MONITORING)
    )
    head = rule_head(watched.model)
    metadata = {**head["metadata"], "labels": labels}
    return {**head, "metadata": metadata, "spec": {"groups": declaration_groups(watched, team)}}


def _thresholds(watched: Watched) -> dict[str, str]:
    found = {BUDGET: f"{watched.budget:.9g}"} if watched.budget > 0 else {}
    if watched.text is None:
        found |= {DRIFT_PAGE: watched.page, DRIFT_WARN: watched.warn, DRIFT_ROWS: watched.rows}
        found |= {} if watched.method == drift_methods.USUAL else {DRIFT_METHOD: watched.method}
    else:
        found |= {WAITING: f"{watched.text.waiting}"}
    if watched.may_rest:
        found[RESTS] = "yes"
    return found | {time.name: f"{time.end}" for time in watched.times}
